"""What takes an action back, as it is recorded when the action succeeds, and whether it still leads where it did then."""

from collections.abc import Iterable, Mapping
from typing import Any

from actions.definition import Definition
from actions.inverse import Inverse, inverse_of
from actions.models import Action, Tool

ELSEWHERE = "Its connection points at another system since, so what was done can't be undone there."


def inverse_for(
    action: Action, definition: Definition, changes: Iterable[Mapping[str, Any]], remote_id: str = ""
) -> Inverse | None:
    """The inverse to record of an action that succeeded; None for a read.

    A call that makes up for it is kept with the system it would reach now (`goes_to`): later that may be another.
    """
    found = inverse_of(definition, changes, action.arguments, remote_id, undoes=action.rollback_of_id is not None)
    if found is None or found["how"] != "call":
        return found
    tool = _tool(action, found)
    return {**found, "goes_to": tool.goes_to} if tool else found


def elsewhere(action: Action, inverse: Inverse) -> str:
    """Why it can't be undone where its connections point now; "" when that is where it was done.

    INVARIANT: nothing is undone in a system it was not done in, however alike the records are (P10, R-22). Held by
    tests/actions/test_undo_elsewhere.py.
    """
    if action.sent_to != action.goes_to:
        return ELSEWHERE
    return _made_up_elsewhere(action, inverse) if inverse["how"] == "call" else ""


def _made_up_elsewhere(action: Action, inverse: Inverse) -> str:
    """The same of the tool that makes up for it, which may have another connection."""
    tool = _tool(action, inverse)
    if tool is None:
        return f"{inverse['tool']}, which makes up for it, does not exist here."
    if "goes_to" in inverse:
        return "" if inverse["goes_to"] == tool.goes_to else f"{inverse['tool']} reaches another system since."
    # Not recorded, so only a tool on the action's own connection is known to reach the same system.
    assert action.tool is not None
    same = tool.connection_id == action.tool.connection_id
    return "" if same else f"It is not recorded which system {inverse['tool']} reached when this ran."


def _tool(action: Action, inverse: Inverse) -> Tool | None:
    found = Tool.objects.filter(workspace_id=action.workspace_id, name=inverse["tool"])
    return found.select_related("connection").first()
