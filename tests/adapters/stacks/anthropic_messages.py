"""anthropic, the Messages API."""

import os

from anthropic import Anthropic
from anthropic.types import Message

from remit_client.adapters.anthropic import answer_message, message_tools
from tests.adapters.stacks.loop import told

client = Anthropic(base_url=os.environ["MODEL_URL"], api_key="none")


def start(toolset, prompt):
    given = [{"role": "user", "content": prompt}]
    message = client.messages.create(model="stub", max_tokens=100, messages=given, tools=message_tools(toolset))
    return _answer(toolset, given, message)


def resume(toolset, state):
    return _answer(toolset, state["given"], Message.model_validate(state["message"]))


def _answer(toolset, given, message):
    results = answer_message(toolset, message)
    state = {"given": given, "message": message.model_dump(mode="json", exclude_none=True)}
    if told(results[0]["content"], state)["pending"]:
        return told(results[0]["content"], state)
    content = [{key: value for key, value in part.items() if value is not None} for part in state["message"]["content"]]
    said = [*given, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
    return told(client.messages.create(model="stub", max_tokens=100, messages=said).content[0].text, None)
