"""The changes section: records, field by field; a denied field stays in the diff. Pure."""

from collections.abc import Mapping
from typing import Any

from accounts.display.values import value_text
from traces.sentences import IN_DOUBT, OPEN
from traces.story.facts import ActionFacts, TraceFacts
from traces.story.rollback import UNDONE

ABSENT = "Read back: the record is no longer there."
STILL_THERE = "Read back: the system still has the record."
NOT_READ_BACK = "Not read back: only the system’s answer says so."


def records(facts: TraceFacts) -> list[dict[str, Any]]:
    """One block a record that was, or would be, changed."""
    return [_record(action) for action in facts.standing if action.changes and action.effect_class != "read"]


def _record(action: ActionFacts) -> dict[str, Any]:
    receipt, target = action.receipt or {}, action.target or {}
    return {
        "ref": f"change-{action.step}",
        "step_n": action.step,
        "noun": action.tool.get("noun", "Record"),
        "name": value_text(target.get("name")),
        "named": named(action),
        "record_id": value_text(receipt.get("remote_id") or target.get("record_id")),
        "link_url": _address(receipt.get("link") or target.get("link")),
        "link_label": f"Open in {action.tool.get('connection', 'the system')}",
        "system": str(action.tool.get("connection", "")),
        "happened": action.succeeded,
        # Known to have had no effect, which nobody knows of what waits, is being sent or is in doubt.
        "unchanged": not action.succeeded and action.state not in OPEN | IN_DOUBT,
        "state_text": _reported(action) if action.succeeded else _not_yet(action),
        "rows": [_row(change, action) for change in action.changes],
    }


def named(action: ActionFacts) -> str:
    """`Account · Birch & Co`, and `Ticket 88213` where the record's own name begins with the noun."""
    noun, name = str(action.tool.get("noun", "Record")), value_text((action.target or {}).get("name"))
    return name if name.casefold().startswith(f"{noun} ".casefold()) else " · ".join(filter(None, [noun, name]))


def _address(link: Any) -> str:
    """Of a page that may be named; one with a sensitive part is withheld."""
    return link if isinstance(link, str) else ""


def _reported(action: ActionFacts) -> str:
    if action.rollback in UNDONE:
        return f"Done, then {UNDONE[action.rollback][1].lower()}."
    if action.by_agent:
        return "Reported by the agent, not witnessed."
    if action.state == "succeeded_attested":
        return "Not read back: two people said what happened."
    if action.read_back and any(change["kind"] == "removed" for change in action.changes):
        return ABSENT if (action.receipt or {}).get("verified") else STILL_THERE
    return "" if action.read_back else NOT_READ_BACK


def _not_yet(action: ActionFacts) -> str:
    if action.by_agent and action.state == "dispatching":
        return "Handed to the agent. It may have changed."
    if action.by_agent and action.state == "failed":
        return "Nothing changed, the agent reported. Nobody witnessed it."
    if action.state == "dispatching":
        return "Being sent. It may have changed."
    waiting = {"pending", "authorized", "claimed", "proposed"}
    if action.state in waiting:
        return "Proposed. Nothing has changed yet."
    if action.state in {"unknown", "needs_human"}:
        return "Outcome unknown. It may have changed."
    if action.state == "failed":
        return "Tried without effect. Nothing changed."
    if action.state == "failed_attested":
        return "Tried without effect, two people said. Nothing changed."
    return "Not run. Nothing changed."


def _row(change: Mapping[str, Any], action: ActionFacts) -> dict[str, Any]:
    edited = action.edits.get(change["field"])
    return {
        "field": change["field"],
        "kind": "edited" if edited else change["kind"],
        "old": change["old"],
        "new": change["new"],
        "denied_value": change.get("denied"),
        "note": change.get("note") or (f"edited by {action.editor} before sending" if edited else ""),
        "verified": change.get("verified"),
        "original": edited[0] if edited else None,
    }
