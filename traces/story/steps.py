"""Plan rows and tool call rows. Pure."""

from collections.abc import Mapping
from typing import Any

from traces.entry_types import label
from traces.story.changes import NOT_READ_BACK
from traces.story.facts import ActionFacts, PlanFacts, TraceFacts

MODE_WORDS = {"off": "Off", "auto": "Auto", "draft": "Draft", "approval": "Approval"}
# How an action stands, in the words of the product's own vocabulary. What is in doubt is never called failed.
RESULTS = {
    "proposed": ("waiting", "Waiting"),
    "pending": ("waiting", "Waiting"),
    "authorized": ("waiting", "Waiting"),
    "claimed": ("running", "Running"),
    "dispatching": ("running", "Running"),
    "denied": ("denied", "Denied"),
    "rejected": ("rejected", "Rejected"),
    "expired": ("expired", "Expired"),
    "withdrawn": ("skipped", "Not run"),
    "cancelled": ("skipped", "Not run"),
    "stale": ("expired", "Out of date"),
    "blocked": ("denied", "Blocked"),
    "failed": ("failed", "Failed"),
    "unknown": ("unknown", "Outcome unknown"),
    "needs_human": ("unknown", "Outcome unknown, needs a person"),
    "succeeded": ("done", "Done"),
    "succeeded_attested": ("done", "Done, attested"),
    "failed_attested": ("failed", "Not done, attested"),
}


def stands(state: str) -> tuple[str, str]:
    """The status and the words for a state of an action; of one that this release does not know nothing is claimed."""
    return RESULTS.get(state, RESULTS["unknown"])


def row(action: ActionFacts, facts: TraceFacts) -> dict[str, Any]:
    """One line of the plan."""
    status, text = _policy(action)
    mode = action.decision.get("mode") or "off"
    return {
        "ref": f"step-{action.step}",
        "n": action.step,
        "title": _first_upper(action.words.get("imperative") or action.title),
        "tool": action.tool.get("name", ""),
        "mode": mode,
        "mode_word": MODE_WORDS[mode],
        "policy_status": status,
        "policy_text": text,
        "result": _result(action),
        "action_id": action.id,
        "detail": action.detail,
        "moved": bool(action.moved),
        "again": facts.actions[action.again].step if action.again else None,
    }


def plan(found: PlanFacts) -> dict[str, Any]:
    """Where one plan stands: what stopped it and what was done until then, or that it went on as another."""
    stopped = found.stopped or {}
    return {
        "id": found.id,
        "stopped_at": stopped.get("step"),
        "stopped_text": RESULTS.get(str(stopped.get("state", "")), ("", ""))[1],
        "stopped_why": str(stopped.get("detail", "")),
        # Of ledgers from before this was recorded nothing is claimed.
        "done_told": "done" in stopped,
        "done": [item["step"] for item in stopped.get("done", ())],
        "resumed_as": found.resumed_as,
    }


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _policy(action: ActionFacts) -> tuple[str, str]:
    """What policy said of this step, with what people then did."""
    refused = action.decision.get("refused_fields") or ()
    if action.state == "denied":
        return "denied", "Denied"
    if refused:
        kept = sum(change["kind"] != "kept_denied" for change in action.changes)
        return "denied", f"{kept} {'field' if kept == 1 else 'fields'} allowed, {len(refused)} denied"
    if action.approval is None:
        return "allowed", "Allowed"
    return _asked(action)


def _asked(action: ActionFacts) -> tuple[str, str]:
    assert action.approval is not None
    needed = sum(step["quorum"] for step in action.approval["route"]["steps"])
    given = sum(verdict["choice"] == "approve" for verdict in action.verdicts)
    if action.approval["kind"] == "draft":
        return _draft(action)
    if action.approval_state == "open":
        return "waiting", f"Escalated, {given} of {needed} approved"
    if action.approval_state == "approved":
        return "escalated", f"Escalated, {given} of {needed} approved"
    return _settled(action.approval_state)


def _draft(action: ActionFacts) -> tuple[str, str]:
    if action.approval_state == "open":
        return "waiting", "Draft, waiting to be sent"
    if action.approval_state != "approved":
        return _settled(action.approval_state)
    sender = action.verdicts[-1]["who"]["name"]
    return "allowed", f"Edited, then sent by {sender}" if action.edits else f"Sent by {sender}"


def _settled(state: str) -> tuple[str, str]:
    known = {
        "rejected": ("rejected", "Rejected"),
        "expired": ("expired", "Expired, so denied"),
        "break_glass": ("break_glass", "Run in an emergency"),
        "stale": ("expired", "Approved, then out of date"),
    }
    return known.get(state, ("skipped", "Withdrawn"))


REPORTED = "Reported, not witnessed"


def _result(action: ActionFacts) -> dict[str, Any]:
    if action.by_agent and action.state == "dispatching":
        return {"status": "waiting", "text": "With the agent", "elapsed_s": None}
    if action.by_agent and action.state in {"succeeded", "failed"}:
        return {"status": stands(action.state)[0], "text": REPORTED, "elapsed_s": None}
    if action.state == "succeeded" and action.receipt is not None:
        return {"status": "done", "text": "", "elapsed_s": action.receipt["elapsed_ms"] / 1000}
    status, text = stands(action.state)
    return {"status": status, "text": text, "elapsed_s": None}


def call(action: ActionFacts) -> dict[str, Any]:
    """One tool call: what was sent, what came back, under which credential."""
    sent, receipt = action.sent or {}, action.receipt or {}
    status, text = stands(action.state)
    code = receipt.get("status")
    return {
        "ref": f"call-{action.step}",
        "step_n": action.step,
        "tool": action.tool.get("name", ""),
        "at": action.sent_at,
        "status": status,
        "status_text": ", ".join(str(part) for part in ("" if code and status == "done" else text, code) if part),
        "duration_s": receipt.get("elapsed_ms", 0) / 1000 if receipt else None,
        "sent": _pairs(sent.get("sent") or {}),
        "received": _pairs(receipt.get("received") or {}),
        "withheld": list(receipt.get("withheld") or ()),
        "masked": list(receipt.get("masked") or ()),
        "out_of_scope": bool(receipt.get("out_of_scope")),
        "rows_withheld": int(receipt.get("rows_withheld") or 0),
        "credential": [] if action.by_agent else _credential(action),
        "by_agent": action.by_agent,
        "not_read_back": _unread(action),
        "detail": action.detail,
        "found_out": [_found_out(item) for item in action.found_out],
    }


def _unread(action: ActionFacts) -> str:
    """That nobody looked at the effect of what Remit did; "" where somebody did, or there is none."""
    silent = action.state == "succeeded" and not action.by_agent and action.effect_class != "read"
    return NOT_READ_BACK if silent and not action.read_back else ""


def _found_out(item: Mapping[str, Any]) -> dict[str, Any]:
    """One step of finding out: when, what, by whom."""
    detail = item.get("detail") or item.get("why", "")
    return {"at": item["at"], "label": label(item["type"]), "detail": detail, "who": item["who"]["name"]}


def _pairs(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Leaves as `(name, value)`; nested names are joined by dots, and of a list of records each is numbered.

    Withheld leaves stay `{$withheld, commitment}`.
    """
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        parts = _parts(value)
        found.extend(_pairs(parts, f"{prefix}{name}.") if parts else [(f"{prefix}{name}", value)])
    return found


def _parts(value: Any) -> Mapping[str, Any]:
    """What a value is read as: its fields, or its items by number where one of them has fields; else it is a leaf."""
    if isinstance(value, Mapping) and "$withheld" not in value:
        return value
    if isinstance(value, list) and any(isinstance(one, Mapping | list) and "$withheld" not in one for one in value):
        return {str(number): one for number, one in enumerate(value, start=1)}
    return {}


STANDING = "the connection's own secret, which outlives the attempt"


def _credential(action: ActionFacts) -> list[tuple[str, Any]]:
    minted, sent = action.credential or {}, action.sent or {}
    revoked = {True: "used once, revoked", False: "not confirmed revoked; it expires by itself", None: "in use"}
    return [
        ("Scope", ", ".join(minted.get("scope", ()))),
        ("Record", minted.get("record") or "not bound"),
        (
            "Lifetime",
            STANDING if minted.get("standing") else f"{minted.get('ttl_s', 0)} s, {revoked[action.credential_revoked]}",
        ),
        ("Idempotency", sent.get("idempotency_key", "")),
    ]
