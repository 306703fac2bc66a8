"""openai, chat completions."""

import os

from openai import OpenAI
from openai.types.chat import ChatCompletion

from remit_client.adapters.openai import answer_chat, chat_tools
from tests.adapters.stacks.loop import told

client = OpenAI(base_url=os.environ["MODEL_URL"] + "/v1", api_key="none")


def start(toolset, prompt):
    given = [{"role": "user", "content": prompt}]
    completion = client.chat.completions.create(model="stub", messages=given, tools=chat_tools(toolset))
    return _answer(toolset, given, completion)


def resume(toolset, state):
    return _answer(toolset, state["given"], ChatCompletion.model_validate(state["completion"]))


def _answer(toolset, given, completion):
    results = answer_chat(toolset, completion)
    state = {"given": given, "completion": completion.model_dump(mode="json", exclude_none=True)}
    if told(results[0]["content"], state)["pending"]:
        return told(results[0]["content"], state)
    said = [*given, completion.choices[0].message.model_dump(exclude_none=True), *results]
    return told(client.chat.completions.create(model="stub", messages=said).choices[0].message.content, None)
