"""Which changes can be undone, and how. Pure."""

from traces.story.facts import ActionFacts, TraceFacts

UNDO = {
    "reversible": ("reversible", "Reversible"),
    "compensable": ("escalated", "New action needed"),
    "irreversible": ("cant_undo", "Can't be undone"),
}


def changed(facts: TraceFacts) -> list[ActionFacts]:
    """Actions that changed something."""
    return [action for action in facts.in_order if action.succeeded and action.effect_class != "read"]


def items(facts: TraceFacts) -> list[dict[str, str]]:
    """One line a change: what, and whether it can be undone."""
    return [_item(action) for action in changed(facts)]


def _item(action: ActionFacts) -> dict[str, str]:
    noun = str(action.tool.get("noun", "Record"))
    if action.rollback == "rolled_back":
        return {"label": noun, "status": "rolled_back", "text": "Rolled back", "action_id": action.id}
    status, text = UNDO[str(action.tool["reversibility"])]
    return {"label": noun, "status": status, "text": text, "action_id": action.id}


def undoable(facts: TraceFacts) -> list[ActionFacts]:
    """Actions that can still be undone by restoring fields."""
    return [a for a in changed(facts) if a.tool["reversibility"] == "reversible" and not a.rollback]
