"""Carries what became of a rollback over to the action it undoes, in that action's own trace."""

from django.db import transaction

from accounts.actors import Actor
from actions.history import note_outcome
from actions.models import Action
from actions.rollback.preview import recorded_inverse, restored
from actions.states import FINAL, IN_DOUBT, SUCCESS, State
from actions.summary import refresh_trace
from policies.history import Outcome
from traces.ledger import append
from traces.models import Entry

Undone = Action.RollbackState


def finish(*, actor: Actor, undo: Action) -> None:
    """Tell the original's trace how its rollback ended, or that it is in doubt. Safe to run any number of times."""
    original = undo.rollback_of
    if original is None or undo.state not in FINAL | IN_DOUBT:
        return
    with transaction.atomic():
        locked = Action.objects.select_for_update(of=("self",)).select_related("tool").get(pk=original.pk)
        # As it stands now: the caller may have read it long ago, and what it came to since is told already.
        undo = Action.objects.get(pk=undo.pk)
        told = Undone.CONFLICT if undo.state == State.BLOCKED and undo.drift else _undone(locked, undo)
        body = {
            "action": original.pk,
            "step": original.step,
            "rollback_trace": undo.trace_id,
            "undo": undo.pk,
            "outcome": undo.state,
            "rollback_state": str(told),
        }
        if _told_already(original, undo):
            return
        Action.objects.filter(pk=original.pk).update(rollback_state=_undone(locked, undo))
        append(actor=actor, trace_id=original.trace_id, type="rollback.finished", body=body)
        if told == Undone.ROLLED_BACK:
            note_outcome(original, Outcome.ROLLED_BACK)
        refresh_trace(original.trace_id)


def _undone(original: Action, undo: Action) -> str:
    """How far an action is undone, from every rollback of it so far.

    A field counts once it read back as it was; a compensation counts as the whole.
    """
    if undo.state in IN_DOUBT:
        return Undone.UNKNOWN
    inverse = recorded_inverse(original)
    if inverse["how"] != "restore":
        return Undone.ROLLED_BACK if original.rollbacks.filter(state__in=SUCCESS).exists() else ""
    gone = restored(original)
    wanted = {row["field"] for row in inverse["rows"]}
    return Undone.ROLLED_BACK if wanted <= gone else Undone.PARTLY if gone else ""


def _told_already(original: Action, undo: Action) -> bool:
    """Whether the ledger says this very end of this very undo; RFC 8785 text has one form only."""
    told = Entry.objects.filter(trace_id=original.trace_id, type="rollback.finished")
    same = f'"outcome":"{undo.state}"'
    return told.filter(canonical__contains=f'"undo":"{undo.pk}"').filter(canonical__contains=same).exists()
