"""google-genai, generateContent."""

import os

from google import genai
from google.genai import types

from remit_client.adapters.google import answer_content, gemini_config
from tests.adapters.stacks.loop import told

client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=os.environ["MODEL_URL"]))


def start(toolset, prompt):
    given = [types.Content(role="user", parts=[types.Part(text=prompt)])]
    response = client.models.generate_content(model="stub", contents=given, config=gemini_config(toolset))
    return _answer(toolset, given, response)


def resume(toolset, state):
    given = [types.Content.model_validate(content) for content in state["given"]]
    return _answer(toolset, given, types.GenerateContentResponse.model_validate(state["response"]))


def _answer(toolset, given, response):
    answered = answer_content(toolset, response, turn=len(given))
    text = next(iter(answered.parts[0].function_response.response.values()))
    kept = {
        "given": [one.model_dump(mode="json") for one in given],
        "response": response.model_dump(mode="json", exclude_none=True),
    }
    if told(text, kept)["pending"]:
        return told(text, kept)
    said = [*given, response.candidates[0].content, answered]
    return told(client.models.generate_content(model="stub", contents=said).text, None)
