"""Anthropic's Messages API, in the application's own loop. Needs nothing of the SDK but its answers."""

from typing import Any

from remit_client.toolset import Toolset


def message_tools(toolset: Toolset) -> list[dict[str, Any]]:
    """`tools=` of `client.messages.create`."""
    return [
        {"name": spec.safe_name, "description": spec.description, "input_schema": spec.schema} for spec in toolset.specs
    ]


def answer_message(toolset: Toolset, message: Any) -> list[dict[str, Any]]:
    """The tool results for every tool use in a message, as content of the next user message; empty when it used none."""
    found = []
    for block in message.content:
        if block.type == "tool_use":
            told = toolset.call(block.name, block.input, block.id)
            found.append(
                {"type": "tool_result", "tool_use_id": block.id, "content": told.text, "is_error": told.is_error}
            )
    return found
