"""Which changes can be undone, and how. Pure."""

from collections.abc import Sequence
from typing import Any

from traces.sentences import IN_DOUBT
from traces.story.facts import ActionFacts, TraceFacts

UNDO = {
    "reversible": ("reversible", "Reversible"),
    "compensable": ("escalated", "New action needed"),
    "irreversible": ("cant_undo", "Can't be undone"),
}

UNDONE = {
    "rolled_back": ("rolled_back", "Rolled back"),
    "partly_rolled_back": ("rolled_back", "Rolled back in part"),
    "rollback_unknown": ("unknown", "Rollback in doubt"),
}


def changed(facts: TraceFacts) -> list[ActionFacts]:
    """Actions that changed something."""
    return [action for action in facts.in_order if action.succeeded and action.effect_class != "read"]


def in_doubt(facts: TraceFacts) -> list[ActionFacts]:
    """Actions that may have changed something, and nobody knows yet."""
    return [action for action in facts.standing if action.state in IN_DOUBT and action.effect_class != "read"]


def items(facts: TraceFacts) -> list[dict[str, str]]:
    """One line a change: what, and whether it can be undone."""
    return [_item(action) for action in changed(facts)]


def _item(action: ActionFacts) -> dict[str, str]:
    status, text = UNDONE.get(action.rollback) or _undo(action)
    return {"label": str(action.tool.get("noun", "Record")), "status": status, "text": text, "action_id": action.id}


def _undo(action: ActionFacts) -> tuple[str, str]:
    """As the inverse recorded at execution says; an older record has only what the tool declares."""
    inverse = action.inverse
    if inverse.get("how") == "call":
        return "escalated", f"New action: {inverse['tool']}"
    if inverse.get("how") == "none" and action.tool["reversibility"] == "reversible":
        return "cant_undo", "Nothing to restore"
    return UNDO[str(action.tool["reversibility"])]


_SAYS = {
    "reversible": "can be restored",
    "compensable": "needs a new action",
    "irreversible": "can't be undone",
}


def in_words(action: ActionFacts) -> str:
    """Whether one change can be undone, as part of a sentence."""
    if action.rollback in UNDONE:
        return {"rolled_back": "rolled back", "partly_rolled_back": "rolled back in part"}.get(
            action.rollback, "its rollback is in doubt"
        )
    if action.inverse.get("how") == "call":
        return f"can be made up for by {action.inverse['tool']}"
    status, _ = _undo(action)
    return _SAYS["irreversible" if status == "cant_undo" else str(action.tool["reversibility"])]


def can_begin(facts: TraceFacts) -> bool:
    """Whether anything is left that a rollback could undo."""
    return any(action.rollback not in {"rolled_back", "rollback_unknown"} for action in can_be_undone(facts))


def can_be_undone(facts: TraceFacts) -> list[ActionFacts]:
    """What changed something and can be undone by restoring fields or by the call its tool names, undone already or not."""
    return [a for a in changed(facts) if _undo(a)[0] == "reversible" or a.inverse.get("how") == "call"]


def final(done: Sequence[ActionFacts]) -> list[ActionFacts]:
    """What nobody can undo, of those."""
    return [action for action in done if action.rollback not in UNDONE and _undo(action)[0] == "cant_undo"]


def undoable(facts: TraceFacts) -> list[ActionFacts]:
    """Those of them that nobody has begun to roll back."""
    return [action for action in can_be_undone(facts) if action.rollback not in UNDONE]


def by_trace(facts: TraceFacts) -> list[dict[str, Any]]:
    """The rollbacks of this trace: who asked for each, and of which steps."""
    found: dict[str, dict[str, Any]] = {}
    for asked in facts.rollbacks:
        one = found.setdefault(asked["rollback_trace"], {**asked, "steps": []})
        one["steps"].append(asked["step"])
    return list(found.values())
