"""OpenAI's Responses and chat completions APIs, in the application's own loop. Needs nothing of the SDK but its answers."""

from typing import Any

from remit_client.toolset import Toolset, parsed


def responses_tools(toolset: Toolset) -> list[dict[str, Any]]:
    """`tools=` of `client.responses.create`."""
    return [
        {
            "type": "function",
            "name": spec.safe_name,
            "description": spec.description,
            "parameters": spec.schema,
            "strict": False,
        }
        for spec in toolset.specs
    ]


def answer_response(toolset: Toolset, response: Any) -> list[dict[str, Any]]:
    """The outputs of every function call in a response, to append to `input=`; empty when the model called nothing."""
    return [
        {"type": "function_call_output", "call_id": item.call_id, "output": _run(toolset, item, item.call_id)}
        for item in response.output
        if item.type == "function_call"
    ]


def chat_tools(toolset: Toolset) -> list[dict[str, Any]]:
    """`tools=` of `client.chat.completions.create`."""
    return [
        {
            "type": "function",
            "function": {"name": spec.safe_name, "description": spec.description, "parameters": spec.schema},
        }
        for spec in toolset.specs
    ]


def answer_chat(toolset: Toolset, completion: Any) -> list[dict[str, Any]]:
    """The tool messages for every call in a completion, to append after its own message; empty when it called nothing."""
    calls = completion.choices[0].message.tool_calls or []
    return [
        {"role": "tool", "tool_call_id": call.id, "content": _run(toolset, call.function, call.id)} for call in calls
    ]


def _run(toolset: Toolset, called: Any, call_id: str) -> str:
    return toolset.call(called.name, parsed(called.arguments), call_id).text
