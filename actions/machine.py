"""Moves an action along one arrow: state, fence, ledger entry and the trace's summary in one transaction (guarantees 4.1).

INVARIANT: nothing else writes `Action.state`. Held by tests/house/test_house.py.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.writes import change
from actions.history import note_move
from actions.models import Action
from actions.states import State, allowed
from actions.summary import refresh_trace, waits_for_people
from traces.ledger import Held, append
from traces.sentences import ALIKE

# Alike too for who reads of a trace that it runs; not of one where people are waited for as long as nothing runs.
STARTS = frozenset({State.AUTHORIZED, State.CLAIMED})
WORKED_ON = frozenset({State.PROPOSED, State.CLAIMED, State.DISPATCHING})
OF_WORDS = frozenset({"arguments_text", "before", "redact"})


class StateConflict(Exception):
    """Someone else moved the action first, or the fence is not ours: nothing was changed."""


def move(
    *,
    actor: Actor,
    action: Action,
    to: State,
    entry: str,
    body: Mapping[str, Any],
    bump_fence: bool = False,
    fence: int | None = None,
    chain: Held | None = None,
    **columns: Any,
) -> None:
    """Move `action` from the state this process last saw to `to`, if the row still is in it and has our fence.

    `chain`: its trace, where the caller's transaction holds it already. Raises StateConflict when the row is not in that state
    (rowcount 0), ValueError for an arrow the machine does not have.
    """
    source = State(action.state)
    if not allowed(source, to):
        raise ValueError(f"There is no arrow from {source} to {to}.")
    held = action.fence if fence is None else fence
    if bump_fence:
        columns["fence"] = held + 1
    # Without a savepoint of its own: an error here ends the whole transaction, and a conflict has changed nothing.
    with transaction.atomic(savepoint=False):
        moved = change(Action, {"id": action.pk, "state": source, "fence": held}, {"state": to, **columns})
        if moved == 1:
            fields = {"action": action.pk, "step": action.step, "from": source, "to": to, **body}
            append(actor=actor, trace_id=action.trace_id, type=entry, body=fields, held=chain)
            note_move(action, source, to)
            _summarise(action, source, to, columns)
    if moved != 1:
        raise StateConflict(f"{action.pk} is no longer {source} under fence {held}.")
    action.state = to
    for name, value in columns.items():
        setattr(action, name, value)


def _summarise(action: Action, source: State, to: State, columns: Mapping[str, Any]) -> None:
    """Keep the trace's title and outcome in step, where this arrow can change what they say."""
    if {source, to} == ALIKE:
        return
    if {source, to} == STARTS and not waits_for_people(action.trace_id):
        return
    # What is worked on just now stands in the row as it does here, unless this move changes what its words are made of.
    same = source in WORKED_ON and all(getattr(action, name) == columns[name] for name in OF_WORDS & columns.keys())
    refresh_trace(action.trace_id, action if same else None)
