"""Rollback as a governed action (P10): own trace, own policy decision, own precondition, own proof; undone once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.models import User
from actions.definition import Definition
from actions.execution import PreviewFailed, read_target, run
from actions.history import note_outcome
from actions.models import Action
from actions.propose import Place, prepare, record_proposal
from actions.states import SUCCESS, State
from actions.summary import refresh_trace
from policies.history import Outcome
from traces.ledger import append
from traces.models import Trace
from traces.services import open_trace


class RollbackRefused(Exception):
    """Nothing was rolled back; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Restore:
    """One field: what we wrote, what stands there now, what would stand there again. `conflict`: changed since."""

    field: str
    wrote: Any
    now: Any
    back: Any

    @property
    def conflict(self) -> bool:
        return bool(self.now != self.wrote)


@dataclass(frozen=True, slots=True)
class Preview:
    """What rolling back one action would do, from the record as it stands now."""

    action: Action
    noun: str
    record: str
    rows: Sequence[Restore]
    problem: str = ""

    @property
    def restorable(self) -> list[Restore]:
        return [row for row in self.rows if not row.conflict]

    @property
    def conflicts(self) -> list[Restore]:
        return [row for row in self.rows if row.conflict]


def undoable(trace: Trace) -> list[Action]:
    """Succeeded reversible writes of a trace that were not rolled back, newest first."""
    done = Action.objects.filter(trace=trace, state__in=SUCCESS, rollback_state="").select_related("tool__connection")
    found = [(action, action.definition) for action in done.order_by("-step") if action.before]
    return [action for action, definition in found if definition is not None and _reversible(definition)]


def _reversible(definition: Definition) -> bool:
    return definition.reversibility == "reversible" and not definition.reads_only and not definition.creates


def final(trace: Trace) -> list[str]:
    """Nouns of what this trace did that cannot be undone by restoring fields."""
    done = Action.objects.filter(trace=trace, state__in=SUCCESS).select_related("tool")
    definitions = [action.definition for action in done]
    return [d.noun for d in definitions if d is not None and not d.reads_only and d.reversibility != "reversible"]


def preview(action: Action) -> Preview:
    """Read the record and compare each field with what was written."""
    definition = action.definition
    assert action.tool is not None and definition is not None
    written = [row for row in action.changes if row["kind"] in {"changed", "added"}]
    try:
        current = read_target(action.tool, action.arguments, reference=action.pk)
    except PreviewFailed as error:
        return Preview(action, definition.noun, "", (), str(error))
    fields: Mapping[str, Any] = (current or {}).get("fields", {})
    rows = [Restore(row["field"], row["new"], fields.get(row["field"]), row["old"]) for row in written]
    return Preview(action, definition.noun, str((current or {}).get("record_id", "")), rows)


def roll_back(*, actor: Actor, user: User, action: Action, reason: str) -> Action:
    """Restore the fields that nobody changed since, as a new action in a new trace linked both ways.

    Raises RollbackRefused when every field moved, when it was rolled back already, or when the record cannot be read.
    """
    seen = preview(action)
    if seen.problem:
        raise RollbackRefused(seen.problem)
    if not seen.restorable:
        raise RollbackRefused("Every field was changed by someone else since. Nothing was restored.")
    arguments = _inverse(action, {row.field: row.back for row in seen.restorable})
    prepared = prepare(agent=action.agent, name=action.tool_name, arguments=arguments)
    undo = _record(actor, user, action, reason, prepared)
    run(actor=actor, action_id=undo.pk)
    undo.refresh_from_db()
    finish(actor=actor, undo=undo)
    return undo


def _inverse(action: Action, fields: Mapping[str, Any]) -> dict[str, Any]:
    definition = action.definition
    assert definition is not None
    kept = definition.without(action.arguments, frozenset(definition.fields(action.arguments)))
    return definition.with_fields(kept, fields)


def _record(actor: Actor, user: User, action: Action, reason: str, prepared: Any) -> Action:
    with transaction.atomic():
        locked = Action.objects.select_for_update(of=("self",)).get(pk=action.pk)
        open_undo = Action.objects.filter(rollback_of=locked).exclude(state__in=_OVER)
        if locked.rollback_state or open_undo.exists():
            raise RollbackRefused("This change was already rolled back, or a rollback of it is waiting.")
        intent = f"Roll back step {action.step} of {action.trace.title}. {reason}".strip()
        trace = open_trace(
            actor=actor, workspace_id=action.workspace_id, agent=None, on_behalf_of=user, intent=intent,
            sources=[{"title": f"Trace {action.trace_id}", "url": f"/traces/{action.trace_id}/"}], rollback_of=action.trace,
        )  # fmt: skip
        body = {"action": action.pk, "step": action.step, "rollback_trace": trace.pk, "reason": reason}
        append(actor=actor, trace_id=action.trace_id, type="rollback.requested", body=body)
        place = Place(trace, action.agent, user, 1, "Restore fields", acting_user=user, rollback_of=action)
        return record_proposal(actor=actor, place=place, prepared=prepared)


# An undo that ended without effect may be tried again.
_OVER = [
    State.DENIED,
    State.REJECTED,
    State.EXPIRED,
    State.WITHDRAWN,
    State.STALE,
    State.CANCELLED,
    State.BLOCKED,
    State.FAILED,
    State.FAILED_ATTESTED,
]


_OUTCOMES = {
    State.SUCCEEDED: Action.RollbackState.ROLLED_BACK,
    State.SUCCEEDED_ATTESTED: Action.RollbackState.ROLLED_BACK,
    State.BLOCKED: Action.RollbackState.CONFLICT,
    State.UNKNOWN: Action.RollbackState.UNKNOWN,
    State.NEEDS_HUMAN: Action.RollbackState.UNKNOWN,
}


def finish(*, actor: Actor, undo: Action) -> None:
    """Carry the undo's outcome over to the action it undoes, in that action's own trace. Safe to run twice."""
    result = _OUTCOMES.get(State(undo.state))
    original = undo.rollback_of
    if original is not None and undo.state in {State.FAILED, State.FAILED_ATTESTED}:
        # It had no effect after all, so it may be tried again.
        was_unknown = Action.objects.filter(pk=original.pk, rollback_state=Action.RollbackState.UNKNOWN)
        was_unknown.update(rollback_state="")
    if original is None or result is None:
        return
    # A conflict is told in the ledger but may be tried again once the record is understood.
    column = "" if result is Action.RollbackState.CONFLICT else result.value
    with transaction.atomic():
        open_states = {"", Action.RollbackState.UNKNOWN} - {column or None}
        changed = Action.objects.filter(pk=original.pk, rollback_state__in=open_states)
        if not changed.update(rollback_state=column):
            return
        body = {
            "action": original.pk,
            "step": original.step,
            "rollback_trace": undo.trace_id,
            "rollback_state": result.value,
        }
        append(actor=actor, trace_id=original.trace_id, type="rollback.finished", body=body)
        if result is Action.RollbackState.ROLLED_BACK:
            note_outcome(original, Outcome.ROLLED_BACK)
        refresh_trace(original.trace_id)
