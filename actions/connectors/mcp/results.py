"""What the result of a call proves, and how it is kept. Pure."""

import time
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from actions.closed_schema import SchemaProblem, written_out
from actions.connectors.base import Outcome
from actions.connectors.mcp.wire import NOT_BEGUN, Reply, TalkError
from actions.connectors.operation import EFFECT_FREE, Call

MISFIT = "The server's structured answer does not fit the schema it declared."


def body_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as a record: its texts, its structured part, and the kinds of what is neither and is not kept."""
    blocks = [block for block in result.get("content") or [] if isinstance(block, dict)]
    texts = [str(block.get("text", "")) for block in blocks if block.get("type") == "text"]
    others = sorted({str(block.get("type"))[:40] for block in blocks if block.get("type") != "text"})
    structured = result.get("structuredContent")
    body: dict[str, Any] = {"text": "\n".join(texts)}
    if isinstance(structured, dict):
        body["structured"] = structured
    if others:
        body["not_kept"] = others
    return body


def is_whole(result: Mapping[str, Any]) -> bool:
    """Whether it is an answer, and not a question back or the promise of one."""
    return bool(result.get("resultType", "complete") == "complete")


def outcome_of(call: Call, said: Reply | TalkError, started: float) -> Outcome:
    """INVARIANT: only a whole result without an error is done, and only what never began, or what an admin declared, is no
    effect; all else of a tool with effects is unknown (F-02, 4.1). Held by tests/upstreams/test_outcomes.py.
    """
    kind, status, body, detail = _judged(call, said)
    if kind == "unknown" and call.reads:
        kind = "no_effect"
    return Outcome(kind, status, body, detail, int((time.monotonic() - started) * 1000))  # type: ignore[arg-type]


def _judged(call: Call, said: Reply | TalkError) -> tuple[str, int | None, dict[str, Any] | None, str]:
    if isinstance(said, TalkError):
        begun = said.sent and said.status not in EFFECT_FREE
        return ("unknown" if begun else "no_effect"), said.status, None, str(said)
    if said.result is None:
        kind = "no_effect" if said.code in NOT_BEGUN else "unknown"
        return kind, 200, None, f"The server answered with error {said.code}: {said.message}"
    body = body_of(said.result)
    if not is_whole(said.result):
        return "unknown", 200, None, "The server asks back or answers later, which Remit does not do with a tool."
    if said.result.get("isError"):
        kind = "no_effect" if call.error_is_no_effect else "unknown"
        return kind, 200, body, f"The tool answered with an error: {body['text'] or 'it gave no reason'}"
    if not _fits(call, body):
        return "unknown", 200, body, MISFIT
    return "done", 200, body, ""


def _fits(call: Call, body: Mapping[str, Any]) -> bool:
    """Whether the structured part is what the approved definition says; where it says nothing, anything is."""
    declared = call.server.get("outputSchema")
    if not isinstance(declared, dict):
        return True
    try:
        schema = written_out(declared, declared).schema
        Draft202012Validator.check_schema(schema)
    except (SchemaProblem, SchemaError):
        return False
    return "structured" in body and Draft202012Validator(schema).is_valid(body["structured"])
