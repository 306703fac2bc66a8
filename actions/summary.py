"""Keeps a trace's title and outcome, as lists show them, in step with its actions."""

from dataclasses import dataclass

from actions.models import Action
from actions.record import told
from actions.states import SUCCESS
from traces.sentences import after_rollback, outcome, title
from traces.services import summarise


@dataclass(frozen=True, slots=True)
class _Told:
    state: str
    effect_class: str
    words: dict[str, str]


def refresh_trace(trace_id: str) -> None:
    """Runs inside the transaction of the change it follows, under the trace's row lock."""
    found = Action.objects.filter(trace_id=trace_id).select_related("tool__connection").order_by("step", "id")
    actions = found.filter(replanned_as=None)  # What was asked for again stands no longer for itself.
    parts = [_told(action) for action in actions]
    undone = [action.rollback_state for action in actions if action.state in SUCCESS and _undoable(action)]
    stands = after_rollback(outcome([part.state for part in parts]), undone)
    summarise(trace_id=trace_id, title=title(parts, intent=""), outcome=stands)


def _undoable(action: Action) -> bool:
    """As the inverse recorded at execution says; an older action has only what its tool declares."""
    definition = action.definition
    if definition is None or definition.reads_only:
        return False
    if action.inverse:
        return bool(action.inverse["how"] != "none")
    return definition.reversibility == "reversible"


def _told(action: Action) -> _Told:
    definition = action.definition
    effect_class = definition.effect_class if definition else ""
    return _Told(action.state, effect_class, told(action, definition, action.arguments))
