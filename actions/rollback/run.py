"""Undoes what a person chose, one change after another: each is read, decided, approved and proved as an action of its own.

INVARIANT: nothing is overwritten that moved since we wrote it: the very image an undo is bound to, and is checked against
again at dispatch, must hold what we wrote. Held by tests/actions/test_undo.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from accounts.scopes import EVERYTHING
from actions.arguments import BadArguments
from actions.execution import run
from actions.models import Action, Plan, Rollback
from actions.propose import Place, Prepared, prepare, record_proposal
from actions.record import safe
from actions.reversal import elsewhere
from actions.rollback.order import open_step
from actions.rollback.outcome import finish
from actions.rollback.preview import Item, preview, preview_trace, recorded_inverse, waiting
from actions.states import FINAL, IN_DOUBT, SUCCESS, State
from actions.words import ended
from traces.ledger import append
from traces.models import Trace
from traces.services import open_trace

Wanted = Mapping[str, Sequence[str]]


class RollbackRefused(Exception):
    """Nothing was rolled back; the message says why and what to do."""


def roll_back(*, actor: Actor, user: User, action: Action, reason: str, fields: Sequence[str] | None = None) -> Action:
    """Undo one action, or some fields of it; without `fields`, every field that nobody changed since.

    Returns the new action, which may wait for people. Raises RollbackRefused.
    """
    item = preview(action)
    if fields is None:
        fields = [row.field for row in item.restorable]
        if item.how == "restore" and not fields:
            raise RollbackRefused(f"Every field was changed since. Nothing was restored. {_conflicts(item)}")
    made = roll_back_trace(actor=actor, user=user, trace=action.trace, wanted={action.pk: fields}, reason=reason)
    undo = Action.objects.filter(trace=made.undo_trace).first()
    if undo is None:
        raise RollbackRefused(made.detail)
    return undo


def roll_back_trace(
    *, actor: Actor, user: User, trace: Trace, wanted: Wanted, reason: str, plan: Plan | None = None
) -> Rollback:
    """Undo the chosen changes of a trace (or of one plan of it), the newest first, in a new trace linked both ways.

    `wanted` names fields by action; an action without fields is made up for by the call its tool names. It stops at the
    first that does not succeed. Raises RollbackRefused when one of them can't be undone as things stand; then nothing was.
    """
    items = [item for item in preview_trace(trace, plan, wanted=wanted) if item.action.pk in wanted]
    if not items or len(items) != len(wanted):
        raise RollbackRefused("Choose at least one change of this trace. Nothing was rolled back.")
    for item in items:
        _refuse(item, wanted[item.action.pk])
    todo: list[dict[str, Any]] = [
        {"action": item.action.pk, "fields": sorted(wanted[item.action.pk])} for item in items
    ]
    made = _begin(actor, user, trace, todo, reason)
    advance(actor=actor, rollback_id=made.pk)
    made.refresh_from_db()
    return made


def _refuse(item: Item, fields: Sequence[str]) -> None:
    """Raises RollbackRefused for what was chosen and can't be undone; a field that moved since is never overwritten."""
    where = f"Step {item.action.step}:"
    if item.how == "none":
        raise RollbackRefused(f"{where} {item.why}")
    known = {row.field for row in item.rows}
    if set(fields) - known or (item.how == "restore" and not fields):
        raise RollbackRefused(f"{where} choose among the fields it changed: {', '.join(sorted(known)) or 'none'}.")
    moved = _conflicts(item, fields)
    if moved:
        raise RollbackRefused(f"{where} {moved} Nothing was restored.")


def _conflicts(item: Item, fields: Sequence[str] | None = None) -> str:
    """Which fields moved, by whom and when; values stay out of it."""
    moved = [row for row in item.conflicts if fields is None or row.field in fields]
    told = [f"{row.field} was {row.later.sentence if row.later else 'changed since'}" for row in moved]
    return f"{'; '.join(told)}." if told else ""


def _begin(actor: Actor, user: User, trace: Trace, todo: list[dict[str, Any]], reason: str) -> Rollback:
    """Open the trace of the rollback. The original's row lock makes it one at a time: each change is undone once."""
    with transaction.atomic():
        locked = Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        turns = [item["action"] for item in todo]
        actions = sorted(Action.objects.filter(pk__in=turns), key=lambda action: turns.index(action.pk))
        for action in actions:
            why = waiting(action)
            if why:
                raise RollbackRefused(f"Step {action.step}: {why}")
            reason = safe(action, reason)  # It opens a trace, and stands in the ledger of this one.
        _refuse_unfinished(locked, actions)
        steps = ", ".join(str(action.step) for action in actions)
        undo_trace = open_trace(
            actor=actor, workspace_id=locked.workspace_id, agent=None, on_behalf_of=user,
            intent=f"Roll back step{'s' if len(actions) > 1 else ''} {steps} of {locked.title}. {reason}".strip(),
            sources=[{"title": f"Trace {locked.pk}", "url": f"/traces/{locked.pk}/"}], rollback_of=locked,
        )  # fmt: skip
        for action in actions:
            body = {"action": action.pk, "step": action.step, "rollback_trace": undo_trace.pk, "reason": reason}
            append(actor=actor, trace_id=locked.pk, type="rollback.requested", body=body)
        return Rollback.objects.create(
            trace=locked, undo_trace=undo_trace, by=user, reason=reason, todo=todo, created_at=database_now()
        )


def _refuse_unfinished(trace: Trace, actions: Sequence[Action]) -> None:
    """Raises RollbackRefused while a later step of their plans could still run on what would be undone (F-07)."""
    step = open_step(trace, actions)
    if step is None:
        return
    if step.state == State.PENDING:
        raise RollbackRefused(
            f"Step {step.step} of its plan waits for people. Reject it first. Nothing was rolled back."
        )
    if step.state in IN_DOUBT:
        told = f"Whether step {step.step} of its plan took effect is not known yet. Settle that first."
        raise RollbackRefused(f"{told} Nothing was rolled back.")
    raise RollbackRefused(f"Step {step.step} of its plan may still run. Wait until it has. Nothing was rolled back.")


def advance(*, actor: Actor, rollback_id: str) -> None:
    """Go on while the last undo succeeded and another is to do; stop where one did not. Safe to run any number of times."""
    while True:
        rollback = Rollback.objects.select_related("trace", "undo_trace", "by").get(pk=rollback_id)
        if rollback.state != Rollback.State.RUNNING or not _last_succeeded(actor, rollback):
            return
        if rollback.proposed == len(rollback.todo):
            _running(rollback).update(state=Rollback.State.DONE)
            return
        try:
            undo = _propose(actor, rollback)
        except (RollbackRefused, BadArguments) as error:
            _stop(actor, rollback, str(error), done=rollback.proposed)
            return
        if undo is None:
            return  # Another process is ahead.
        run(actor=actor, action_id=undo.pk)
        undo.refresh_from_db()
        finish(actor=actor, undo=undo)


def _last_succeeded(actor: Actor, rollback: Rollback) -> bool:
    """Whether the next may begin: nothing was proposed yet, or what was has succeeded. Ends the run where it did not."""
    last = Action.objects.filter(trace=rollback.undo_trace, step=rollback.proposed).first()
    if last is None:
        return True
    if last.state in SUCCESS:
        finish(actor=actor, undo=last)  # Told before the run can end: an action is never free between two rollbacks.
        return True
    if last.state in FINAL:
        _stop(actor, rollback, last.detail or ended(last.step, last.state), done=rollback.proposed - 1)
    return False


def _propose(actor: Actor, rollback: Rollback) -> Action | None:
    """The next undo as an action, bound to the record as it stands now. None when another process proposed it.

    Raises RollbackRefused for a field that moved, BadArguments for what the tool does not take any more.
    """
    item = rollback.todo[rollback.proposed]
    action = Action.objects.select_related("agent", "trace", "tool__connection").get(pk=item["action"])
    prepared, title = _prepared(action, item["fields"])
    with transaction.atomic():
        locked = Rollback.objects.select_for_update(of=("self",)).get(pk=rollback.pk)
        if (locked.state, locked.proposed) != (Rollback.State.RUNNING, rollback.proposed):
            return None
        step = rollback.proposed + 1
        Rollback.objects.filter(pk=rollback.pk).update(proposed=step)
        place = Place(
            rollback.undo_trace, action.agent, rollback.by, step, title, acting_user=rollback.by, rollback_of=action
        )
        return record_proposal(actor=actor, place=place, prepared=prepared)


def _prepared(action: Action, fields: Sequence[str]) -> tuple[Prepared, str]:
    """The undoing call with its target as read now. Raises RollbackRefused or BadArguments."""
    inverse, definition = recorded_inverse(action), action.definition
    assert definition is not None
    if why := elsewhere(action, inverse):
        raise RollbackRefused(f"Step {action.step}: {why}")
    if inverse["how"] == "call":
        ready = prepare(
            agent=action.agent, name=inverse["tool"], arguments=inverse["arguments"], effects=EVERYTHING, by_person=True
        )
        return ready, f"Make up for step {action.step}"
    rows = [row for row in inverse["rows"] if row["field"] in fields]
    kept = definition.without(action.arguments, frozenset(definition.fields(action.arguments)))
    arguments = definition.with_fields(kept, {row["field"]: row["new"] for row in rows})
    prepared = prepare(
        agent=action.agent, name=action.tool_name, arguments=arguments, effects=EVERYTHING, by_person=True
    )
    if prepared.problem:
        raise RollbackRefused(prepared.problem)
    if (
        prepared.before is not None
    ):  # Without one, policy denies it: the tool is off for this role, or a pause holds it.
        image = prepared.before["fields"]
        moved = sorted(row["field"] for row in rows if image.get(row["field"]) != row["old"])
        if moved:
            raise RollbackRefused(f"Step {action.step}: {', '.join(moved)} changed since. Nothing of it was restored.")
    return prepared, "Restore fields"


def _running(rollback: Rollback) -> QuerySet[Rollback]:
    return Rollback.objects.filter(pk=rollback.pk, state=Rollback.State.RUNNING)


def _stop(actor: Actor, rollback: Rollback, why: str, *, done: int) -> None:
    """End the run before everything was undone; the ledger says why and what is left."""
    left = [item["action"] for item in rollback.todo[done:]]
    body = {"rollback": rollback.pk, "detail": why, "done": done, "left": left}
    with transaction.atomic():
        if _running(rollback).update(state=Rollback.State.STOPPED, detail=why[:500]):
            append(actor=actor, trace_id=rollback.undo_trace_id, type="rollback.stopped", body=body)


def go_on_undoing(*, actor: Actor, action: Action) -> None:
    """After an action came to rest: carry its outcome to what it undoes, and take the run it belongs to further."""
    finish(actor=actor, undo=action)
    mine = Q(undo_trace_id=action.trace_id) | Q(todo__contains=[{"action": action.pk}])
    running = Rollback.objects.filter(mine, state=Rollback.State.RUNNING)
    for rollback_id in running.values_list("pk", flat=True):
        advance(actor=actor, rollback_id=rollback_id)


def sleeping() -> list[str]:
    """An action to ring for each run that nobody takes further: its last undo came to rest, or its first was never made."""
    found = []
    for rollback in Rollback.objects.filter(state=Rollback.State.RUNNING):
        last = Action.objects.filter(trace=rollback.undo_trace_id, step=rollback.proposed).first()
        if last is None or last.state in FINAL:
            found.append(last.pk if last is not None else rollback.todo[0]["action"])
    return found
