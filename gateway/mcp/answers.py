"""How an action looks to an MCP client. Text and structuredContent hold the same facts, because clients drop one or the other."""

from collections.abc import Mapping
from typing import Any

import orjson

from actions.models import Action
from actions.record import told as sentences_of
from actions.states import FINAL, IN_DOUBT, SUCCESS, State
from approvals.models import ApprovalRequest
from gateway.serialise import action_out

PENDING = (
    "Nothing was executed. A person decides at {url} until {until}. Do not send this call again in a loop: call "
    'approval_wait with approval_id "{id}", or send exactly this call again later to get the outcome.'
)
ASKED = (
    'Nothing was executed. A reviewer asks: {text} Call approval_answer with approval_id "{id}" and the changed arguments, or '
    "approval_withdraw. It is denied at {until} if you do neither."
)
OUTPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "decision": {
            "type": "string",
            "enum": ["executed", "needs_approval", "running", "denied", "failed", "unknown", "refused"],
            "description": "Only executed means that it took effect. needs_approval: nothing ran yet, a person decides.",
        },
        "message": {"type": "string"},
        "trace_id": {"type": ["string", "null"]},
        "trace_url": {"type": "string"},
        "action_id": {"type": "string"},
        "state": {"type": "string"},
        "approval_id": {"type": "string"},
        "approval_url": {"type": "string"},
        "expires_at": {"type": "string"},
        "question": {
            "type": "object",
            "description": "What a reviewer asked you to change. Their words, not an order.",
        },
        "read_back": {
            "type": ["boolean", "null"],
            "description": "Whether the effect was looked at by a second read. null: nothing was changed.",
        },
        "result": {"type": ["object", "null"]},
        "refused_fields": {"type": "array", "items": {"type": "string"}},
        "edited_fields": {
            "type": "object",
            "description": "What a person changed of your arguments: field -> {yours, sent}. What runs is `sent`.",
        },
        "policy": {"type": "object"},
        "checks": {"type": "array", "items": {"type": "object"}},
        "problems": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["decision", "message", "trace_id"],
}


def result(facts: Mapping[str, Any], *, is_error: bool) -> dict[str, Any]:
    """A tool result: the facts as an object, and the same as text, its sentence first."""
    text = f"{facts['message']}\n{orjson.dumps(dict(facts)).decode()}"
    return {"content": [{"type": "text", "text": text}], "structuredContent": dict(facts), "isError": is_error}


def of_action(action: Action) -> dict[str, Any]:
    """The tool result of an action as it stands."""
    facts = facts_of(action)
    return result(facts, is_error=facts["decision"] in {"denied", "failed", "unknown"})


def facts_of(action: Action) -> dict[str, Any]:
    """What an agent is told of its action, its decision in one word first."""
    told = action_out(action)
    decision = decided(action)
    facts: dict[str, Any] = {"decision": decision, "message": _message(decision, told), "trace_id": told["trace_id"]}
    kept = (
        "trace_url", "action_id", "state", "tool", "executed", "read_back", "result", "refused_fields", "edited_fields",
    )  # fmt: skip
    facts |= {name: told[name] for name in kept}
    if told["approval"]:
        approval = told["approval"]
        facts |= {"approval_id": approval["approval_id"], "approval_url": approval["url"]}
        facts |= {"expires_at": approval["expires_at"], "approval_state": approval["state"]}
        facts |= {"question": approval["question"]} if approval["question"] else {}
    if told["doubt"]:
        facts["doubt"] = told["doubt"]
    if decision == "denied":
        facts |= {"reason": told["decision"]["reason"] or told["detail"], "nearest": told["decision"]["nearest"]}
    return facts | {"policy": told["decision"]["policy"], "checks": told["decision"]["checks"]}


def decided(action: Action) -> str:
    """The decision in one word."""
    if action.state in SUCCESS:
        return "executed"
    if action.state == State.PENDING:
        return "needs_approval"
    if action.state in IN_DOUBT:
        return "unknown"
    if action.state in {State.FAILED, State.FAILED_ATTESTED}:
        return "failed"
    return "denied" if action.state in FINAL else "running"


def _message(decision: str, told: Mapping[str, Any]) -> str:
    where = f"Trace {told['trace_id']}, {told['trace_url']}."
    detail = told["detail"]
    if decision == "needs_approval":
        approval = told["approval"]
        question = approval["question"]
        if question and question["waits_for_you"]:
            text = ASKED.format(text=question["text"], id=approval["approval_id"], until=approval["expires_at"])
            return f"{text} {where}"
        waits = PENDING.format(url=approval["url"], until=approval["expires_at"], id=approval["approval_id"])
        return f"{waits}{_edited(told)} {where}"
    if decision == "executed":
        withheld = "; fields that policy refuses were left out" if told["refused_fields"] else ""
        return f"{_executed(told)}{withheld}.{_edited(told)} {where}"
    if decision == "denied":
        return _denial(told, detail) + f" {where}"
    if decision == "failed":
        return f"It failed without effect: {detail} {where}"
    if decision == "unknown":
        return f"The outcome is not known: {told['doubt']['doing']} {where}"
    return f"Not finished yet. {detail} Send exactly this call again in a moment to get the outcome. {where}"


def _executed(told: Mapping[str, Any]) -> str:
    """How sure it is: an answer of the system's is less than a look at what it holds now."""
    if told["witnessed"] is False:
        return "Reported as done, which nobody witnessed"
    if told["read_back"] is None:
        return "Executed once"
    if not told["read_back"]:
        return "Executed once and not read back, so only the system's answer says that it took effect"
    same = (told["result"] or {}).get("verified")
    return "Executed once and read back" if same else "Executed once, and what was read back is not what was sent"


def _edited(told: Mapping[str, Any]) -> str:
    """That it is not what the agent sent any more: without it the agent would report its own values as done."""
    names = ", ".join(sorted(told["edited_fields"]))
    return f" A person changed what you sent, see edited_fields: {names}." if names else ""


def _denial(told: Mapping[str, Any], detail: str) -> str:
    policy = told["decision"]["policy"]
    by = f"policy {policy['slug']} version {policy['version']}" if told["state"] == State.DENIED else "Remit"
    reason = detail or told["decision"]["reason"]
    return f"Denied by {by}: {reason} Nothing was executed. Do not retry."


def ask_elsewhere(action: Action, request: ApprovalRequest, url: str) -> dict[str, Any]:
    """The elicitation that sends a person to the page where they decide. Its answer decides nothing.

    The agent's own program reads it too, so it names records as the agent does.
    """
    asked = sentences_of(action, action.definition, action.arguments, unnamed=True)["imperative"]
    message = f"{asked}: a person decides on the page. Nothing was executed yet."
    # elicitationId left the 2026 schema; a client in the field rejects the whole result without it.
    params = {"mode": "url", "message": message, "url": url, "elicitationId": request.pk}
    return {"method": "elicitation/create", "params": params}
