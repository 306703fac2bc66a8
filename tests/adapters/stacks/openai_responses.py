"""openai, the Responses API."""

import os

from openai import OpenAI
from openai.types.responses import Response

from remit_client.adapters.openai import answer_response, responses_tools
from tests.adapters.stacks.loop import told

client = OpenAI(base_url=os.environ["MODEL_URL"] + "/v1", api_key="none")


def start(toolset, prompt):
    given = [{"role": "user", "content": prompt}]
    response = client.responses.create(model="stub", input=given, tools=responses_tools(toolset))
    return _answer(toolset, given, response)


def resume(toolset, state):
    return _answer(toolset, state["given"], Response.model_validate(state["response"]))


def _answer(toolset, given, response):
    outputs = answer_response(toolset, response)
    state = {"given": given, "response": response.model_dump(mode="json", exclude_none=True)}
    if told(outputs[0]["output"], state)["pending"]:
        return told(outputs[0]["output"], state)
    said = [*given, *[item.model_dump(mode="json", exclude_none=True) for item in response.output], *outputs]
    return told(client.responses.create(model="stub", input=said).output_text, None)
