"""Remit's own tools: open a trace with the user's words, and wait for people. They change nothing outside Remit."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from actions.arguments import MOST_PROBLEMS, ArgumentProblem, BadArguments
from gateway.mcp import answers
from gateway.schemas import Closed, Short, SourceIn, Text
from gateway.serialise import trace_url
from traces.models import Trace

WAIT, OPEN = "approval_wait", "trace_open"


class WaitIn(Closed):
    """Which approval, and how long at most."""

    approval_id: Short = Field(description="The approval_id of an answer that said needs_approval.")
    seconds: int = Field(default=20, ge=0, le=25, description="How long to wait at most before answering as it stands.")


class OpenIn(Closed):
    """What the user wants."""

    intent: Text = Field(description="The user's request in their own words.")
    sources: list[SourceIn] = Field(default_factory=list, max_length=50, description="Material the request rests on.")


_INPUTS: dict[str, type[BaseModel]] = {WAIT: WaitIn, OPEN: OpenIn}
_WORDS = {
    WAIT: "Wait until a person has decided an approval, then get the outcome of the call it was asked for. Executes nothing.",
    OPEN: "Say what the user asked for before using other tools: calls that follow are recorded under this intent.",
}
NAMES = frozenset(_INPUTS)


def _listed(name: str) -> dict[str, Any]:
    hints = {
        "readOnlyHint": name == WAIT,
        "destructiveHint": False,
        "idempotentHint": name == WAIT,
        "openWorldHint": False,
    }
    return {
        "name": name,
        "description": _WORDS[name],
        "inputSchema": _INPUTS[name].model_json_schema(),
        "outputSchema": answers.OUTPUT_SCHEMA if name == WAIT else _OPENED,
        "annotations": hints,
    }


_OPENED: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string"}, "trace_id": {"type": "string"}, "trace_url": {"type": "string"}},
    "required": ["message", "trace_id"],
}
LISTED = [_listed(WAIT), _listed(OPEN)]


def checked(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an own tool. Raises BadArguments."""
    try:
        return _INPUTS[name].model_validate(dict(arguments)).model_dump(exclude_none=True)
    except ValidationError as error:
        found = [ArgumentProblem("/" + "/".join(map(str, one["loc"])), f"{one['msg']}.") for one in error.errors()]
        raise BadArguments(tuple(found[:MOST_PROBLEMS])) from error


def opened(trace: Trace) -> dict[str, Any]:
    """What the agent is told of its new trace."""
    message = (
        "Opened. Calls that follow belong to this trace; name it in _meta remit/trace_id where several run at once."
    )
    return answers.result({"message": message, "trace_id": trace.pk, "trace_url": trace_url(trace.pk)}, is_error=False)


def no_such_approval() -> dict[str, Any]:
    """Absent and another agent's look alike."""
    message = "This agent has no approval of that id. Send the approval_id of an answer that said needs_approval."
    return answers.result({"decision": "refused", "message": message, "trace_id": None}, is_error=True)
