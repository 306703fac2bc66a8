"""The changes section: records, field by field; a denied field stays in the diff. Pure."""

from collections.abc import Mapping
from typing import Any

from traces.story.facts import ActionFacts, TraceFacts


def records(facts: TraceFacts) -> list[dict[str, Any]]:
    """One block a record that was, or would be, changed."""
    return [_record(action) for action in facts.standing if action.changes and action.effect_class != "read"]


def _record(action: ActionFacts) -> dict[str, Any]:
    receipt, target = action.receipt or {}, action.target or {}
    return {
        "step_n": action.step,
        "noun": action.tool.get("noun", "Record"),
        "name": target.get("name") or "",
        "record_id": receipt.get("remote_id") or target.get("record_id") or "",
        "link_url": receipt.get("link") or target.get("link") or "",
        "link_label": f"Open in {action.tool.get('connection', 'the system')}",
        "happened": action.succeeded,
        "state_text": _reported(action) if action.succeeded else _not_yet(action),
        "rows": [_row(change, action) for change in action.changes],
    }


def _reported(action: ActionFacts) -> str:
    return "Reported by the agent, not witnessed." if action.by_agent else ""


def _not_yet(action: ActionFacts) -> str:
    if action.by_agent and action.state == "dispatching":
        return "Handed to the agent. It may have changed."
    if action.by_agent and action.state == "failed":
        return "Nothing changed, the agent reported. Nobody witnessed it."
    waiting = {"pending", "authorized", "claimed", "dispatching", "proposed"}
    if action.state in waiting:
        return "Proposed. Nothing has changed yet."
    if action.state in {"unknown", "needs_human"}:
        return "Outcome unknown. It may have changed."
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
