"""Remit's own tools: open a trace with the user's words, wait for people, answer a reviewer, take a request back.

They change nothing outside Remit, but for an answer that policy lets run: it is a call like any other.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from actions.arguments import MOST_PROBLEMS, ArgumentProblem, BadArguments, pointer_of
from gateway.mcp import answers
from gateway.schemas import Closed, Short, SourceIn, Text
from gateway.serialise import trace_url
from traces.models import Trace

WAIT, OPEN, ANSWER, WITHDRAW = "approval_wait", "trace_open", "approval_answer", "approval_withdraw"


_WHICH = "The approval_id of an answer that said needs_approval."


class WaitIn(Closed):
    """Which approval, and how long at most."""

    approval_id: Short = Field(description=_WHICH)
    seconds: int = Field(default=20, ge=0, le=25, description="How long to wait at most before answering as it stands.")


class OpenIn(Closed):
    """What the user wants."""

    intent: Text = Field(description="The user's request in their own words.")
    sources: list[SourceIn] = Field(default_factory=list, max_length=50, description="Material the request rests on.")


class AnswerIn(Closed):
    """Which question, and the call that takes the place of the one in question."""

    approval_id: Short = Field(description="The approval_id of the answer that held a reviewer's question.")
    arguments: dict[str, Any] = Field(description="The changed arguments: all of them, as the tool takes them.")
    tool: Short | None = Field(default=None, description="Another tool to call instead. Leave it out for the same one.")


class WithdrawIn(Closed):
    """Which approval, and why."""

    approval_id: Short = Field(description=_WHICH)
    reason: str = Field(default="", max_length=400, description="Why it is not wanted any more. The reviewer reads it.")


_INPUTS: dict[str, type[BaseModel]] = {WAIT: WaitIn, OPEN: OpenIn, ANSWER: AnswerIn, WITHDRAW: WithdrawIn}
_WORDS = {
    WAIT: "Wait until a person has decided an approval, then get the outcome of the call it was asked for. Executes nothing.",
    OPEN: "Say what the user asked for before using other tools: calls that follow are recorded under this intent.",
    ANSWER: "Answer a reviewer's question with changed arguments. The changed call is decided anew, in the place of the first.",
    WITHDRAW: "Take back a call that waits for a person and is not wanted any more. Nothing of it is executed.",
}
NAMES = frozenset(_INPUTS)


def _listed(name: str) -> dict[str, Any]:
    hints = {
        "readOnlyHint": name == WAIT,
        "destructiveHint": False,
        "idempotentHint": name in {WAIT, WITHDRAW},
        "openWorldHint": name == ANSWER,
    }
    return {
        "name": name,
        "description": _WORDS[name],
        "inputSchema": _INPUTS[name].model_json_schema(),
        "outputSchema": _OPENED if name == OPEN else answers.OUTPUT_SCHEMA,
        "annotations": hints,
    }


_OPENED: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string"}, "trace_id": {"type": "string"}, "trace_url": {"type": "string"}},
    "required": ["message", "trace_id"],
}
LISTED = [_listed(name) for name in (WAIT, OPEN, ANSWER, WITHDRAW)]


def checked(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an own tool. Raises BadArguments."""
    try:
        return _INPUTS[name].model_validate(dict(arguments)).model_dump(exclude_none=True)
    except ValidationError as error:
        found = [ArgumentProblem(pointer_of(map(str, one["loc"])), f"{one['msg']}.") for one in error.errors()]
        raise BadArguments(tuple(found[:MOST_PROBLEMS])) from error


def opened(trace: Trace) -> dict[str, Any]:
    """What the agent is told of its new trace."""
    message = (
        "Opened. Calls that follow belong to this trace; name it in _meta remit/trace_id where several run at once."
    )
    return answers.result({"message": message, "trace_id": trace.pk, "trace_url": trace_url(trace.pk)}, is_error=False)


def no_such_approval() -> dict[str, Any]:
    """Absent and another agent's look alike."""
    return refused("This agent has no approval of that id. Send the approval_id of an answer that said needs_approval.")


def refused(message: str, trace_id: str | None = None) -> dict[str, Any]:
    """Nothing was changed; the sentence says why."""
    return answers.result({"decision": "refused", "message": message, "trace_id": trace_id}, is_error=True)
