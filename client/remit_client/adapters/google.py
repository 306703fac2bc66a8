"""Google's Gemini API with google-genai, in the application's own loop (automatic function calling switched off)."""

from typing import Any

from google.genai import types

from remit_client.toolset import Toolset


def gemini_config(toolset: Toolset) -> types.GenerateContentConfig:
    """`config=` of `client.models.generate_content`: Remit's tools, called by this loop and not by the SDK."""
    declared = [
        types.FunctionDeclaration(
            name=spec.safe_name, description=spec.description, parameters_json_schema=dict(spec.schema)
        )
        for spec in toolset.specs
    ]
    return types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=declared)],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


def answer_content(toolset: Toolset, response: Any, *, turn: int) -> types.Content | None:
    """The answers to every function call, as the next content; None when the model called nothing.

    `turn`: how long the conversation is, which names a call where the API gives it no id; after a restart it is the same.
    """
    parts = []
    for place, call in enumerate(response.function_calls or ()):
        told = toolset.call(call.name, dict(call.args or {}), call.id or f"turn-{turn}-{place}-{call.name}")
        kind = "error" if told.is_error else "output"
        parts.append(
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={kind: told.text}))
        )
    return types.Content(role="user", parts=parts) if parts else None
