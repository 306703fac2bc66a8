"""Finds out what became of an action whose outcome is unknown (F-02): sends it again, looks it up, or asks a person.

Every try is fenced: it takes a new fence, so that an attempt or an earlier try that wakes up late writes nothing. Each is
two ledger entries, one before anything leaves and one with what it found.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from actions.connectors.base import Credential, CredentialError, Outcome, ReadFailed
from actions.connectors.operation import Operation, OperationError
from actions.execution import credentials, recheck
from actions.execution.compose import attempt_record, compose, request_digest
from actions.execution.doubt import MOST_TRIES, Choice, How, choose, pause_after, settled_at
from actions.execution.finish import record_found
from actions.execution.lease import Lease
from actions.execution.reach import OutOfReach, Reach, reach
from actions.machine import StateConflict, move
from actions.models import Action
from actions.record import said
from actions.spans import executing
from actions.states import State
from actions.switches import Place, why_held
from actions.turns import is_its_turn
from policies.limits import release
from traces.canonical import instant
from traces.ledger import append

# Refusals that say nothing of an earlier request with the same key: the key was not looked at, or not yet.
NOT_ABOUT_THE_KEY = frozenset({401, 403, 404, 405, 408, 409, 412, 425, 428, 429})
Purpose = credentials.Purpose


class Undecided(Exception):
    """This try did not settle it; the message is a sentence."""


def reconcile(*, actor: Actor, action_id: str) -> State:
    """Make one try if the action is in doubt and its time has come; otherwise do nothing. Safe to call any number of times."""
    action = recheck.read_now(action_id)
    now = database_now()
    if action.state != State.UNKNOWN or (action.reconcile_at is not None and action.reconcile_at > now):
        return State(action.state)
    if why_held(Place.of(action)):
        _later(action, now + pause_after(0))  # A pause lets nothing out, not even a question.
        return State.UNKNOWN
    try:
        with executing(action, "find_out"):
            _try(actor, action, now)
    except recheck.Held:
        _later(action, now + pause_after(0))  # Nor does anything leave while the ledger is not checkpointed (F13).
    except StateConflict:
        action.refresh_from_db()
    return State(action.state)


def _try(actor: Actor, action: Action, now: datetime) -> None:
    assert action.tool is not None  # Only what was dispatched is in doubt.
    try:
        way = reach(action.tool, action.redact)
    except OutOfReach as error:
        return _out_of_reach(actor, action, str(error))
    choice = choose(action, way, now=now)
    if choice.how is How.WAIT:
        assert choice.until is not None
        return _later(action, choice.until)
    if choice.how is How.PERSON:
        return ask_a_person(actor, action, choice.why)
    if choice.how is How.NOTHING_TO_FIND:
        return _nothing_to_find(actor, action, choice.why)
    return _ask_the_system(actor, action, way, choice)


def _later(action: Action, when: datetime) -> None:
    """Nothing left and nothing was learned, so it is no try."""
    Action.objects.filter(pk=action.pk, state=State.UNKNOWN, fence=action.fence).update(reconcile_at=when)


def ask_a_person(actor: Actor, action: Action, why: str) -> None:
    """Nothing more can be found out from here."""
    why = said(action, why)
    move(
        actor=actor, action=action, to=State.NEEDS_HUMAN, entry="action.needs_human",
        body={"detail": why, "tries": action.reconcile_tries}, detail=why[:500], reconcile_at=None, bump_fence=True,
    )  # fmt: skip


def _nothing_to_find(actor: Actor, action: Action, why: str) -> None:
    with transaction.atomic():
        move(
            actor=actor, action=action, to=State.FAILED, entry="action.reconciled", body={"detail": why, "how": "none"},
            detail=why, reconcile_at=None, bump_fence=True, finished_at=database_now(),
        )  # fmt: skip
        release(action_id=action.pk)


def _out_of_reach(actor: Actor, action: Action, why: str) -> None:
    """The connection cannot be opened: a try that ended at once, so that it ends with a person some time."""
    if action.reconcile_tries >= MOST_TRIES:
        return ask_a_person(actor, action, why)
    _start(actor, action, Choice(How.WAIT, why), Lease.take(), now=database_now())
    return _undecided(actor, action, why)


def _ask_the_system(actor: Actor, action: Action, way: Reach, choice: Choice) -> None:
    lease = Lease.take()
    settled = settled_at(action, way.operation)  # Of what was sent before this try.
    _start(actor, action, choice, lease, now=database_now())
    try:
        (_send_again if choice.how is How.SEND_AGAIN else _look_up)(actor, action, way, lease, settled)
    except (Undecided, OperationError, CredentialError, ReadFailed) as error:
        _undecided(actor, action, str(error))


def _start(actor: Actor, action: Action, choice: Choice, lease: Lease, *, now: datetime) -> None:
    """The try stands in the ledger, under a new fence, before anything leaves. The next one comes if this one dies."""
    body = {"how": choice.how.value, "why": choice.why, "try": action.reconcile_tries + 1}
    columns: dict[str, Any] = {"resent_at": now} if choice.how is How.SEND_AGAIN else {}
    move(
        actor=actor, action=action, to=State.UNKNOWN, entry="action.reconcile_started", body=body, bump_fence=True,
        lease_until=lease.until, reconcile_at=lease.until + timedelta(seconds=1),
        reconcile_tries=action.reconcile_tries + 1, **columns,
    )  # fmt: skip


def _undecided(actor: Actor, action: Action, why: str) -> None:
    """Say what is still not known, and when it is tried again."""
    why = said(action, why)
    when = database_now() + pause_after(action.reconcile_tries)
    body = {"action": action.pk, "step": action.step, "detail": why, "next_at": instant(when)}
    with transaction.atomic():
        mine = Action.objects.filter(pk=action.pk, state=State.UNKNOWN, fence=action.fence)
        if mine.update(reconcile_at=when, lease_until=None, detail=f"{UNKNOWN_SO_FAR} {why}"[:500]):
            append(actor=actor, trace_id=action.trace_id, type="action.reconcile_undecided", body=body)


UNKNOWN_SO_FAR = "It may have taken effect. Remit is finding out."


def _send_again(actor: Actor, action: Action, way: Reach, lease: Lease, settled: datetime) -> None:
    """Class A: the identical bytes under the same key. Raises Undecided and what the connector raises."""
    sent = compose(action, way)
    digest = request_digest(action, sent)
    first = action.epoch is not None and not action.sent_digest  # Of this epoch, as far as the database knows.
    if not first and digest != action.sent_digest:
        raise Undecided("The request could not be made again byte for byte, so it was not sent.")
    record = attempt_record(action, way)
    scope = _scope(way.operation)
    credential = credentials.mint(
        actor, action, way, scope=(scope,), record=record, lease=lease, purpose=Purpose.RESEND
    )
    try:
        _last_look(action, way, lease)
        if first and not is_its_turn(action):
            raise Undecided("Its plan has stopped meanwhile, so nothing of it is sent.")
        if first:
            _keep_digest(action, digest)
        outcome = way.connector.dispatch(way.info, way.operation, sent, credential, timeout_s=lease.timeout_s())
        if outcome.kind != "done":
            _refusal_is_proof(outcome, settled)
        _settle(actor, action, way, outcome, credential, lease, how=How.SEND_AGAIN)
    finally:
        credentials.end(actor, action, way, credential)


def _last_look(action: Action, way: Reach, lease: Lease) -> None:
    """What was committed while the credential was got counts for the same request again (P4, P9, R-26). Raises Undecided."""
    if lease.timeout_s() <= 0:
        raise Undecided("There was no time left to send it.")
    try:
        with transaction.atomic():
            found = recheck.last_look(action, way)
    except recheck.Held as held:
        raise Undecided(str(held)) from held
    if found:
        raise Undecided(found.sentence)


def _may_ask(action: Action, lease: Lease) -> None:
    """A pause that began while the credential was got lets no question out either. Raises Undecided."""
    if lease.timeout_s() <= 0:
        raise Undecided("There was no time left to look it up.")
    try:
        recheck.refuse_held(action)
    except recheck.Held as held:
        raise Undecided(str(held)) from held


def _keep_digest(action: Action, digest: str) -> None:
    """What is sent first after a failover, so that any later try sends the same (F-01). Raises StateConflict."""
    mine = Action.objects.filter(pk=action.pk, state=State.UNKNOWN, fence=action.fence)
    if mine.update(sent_digest=digest) != 1:
        raise StateConflict(f"{action.pk} is no longer ours to find out about.")
    action.sent_digest = digest


def _refusal_is_proof(outcome: Outcome, settled: datetime) -> None:
    """A system that honours keys answers a key it has seen as it did then, so a refusal of it means there was no effect.

    Raises Undecided for an answer that is not about the key, or while an earlier request may still arrive.
    """
    about_key = outcome.kind == "no_effect" and outcome.status is not None and outcome.status not in NOT_ABOUT_THE_KEY
    if not about_key:
        raise Undecided(outcome.detail or "The answer was not clear.")
    if database_now() < settled:
        raise Undecided(f"{outcome.detail} The first request may still arrive.")


def _scope(operation: Operation) -> str:
    assert operation.write is not None  # Only writes are sent again.
    return operation.write.scope


def _look_up(actor: Actor, action: Action, way: Reach, lease: Lease, settled: datetime) -> None:
    """Class B: what the system holds under our reference. Raises Undecided and what the connector raises."""
    look_up = way.operation.look_up
    assert look_up is not None  # Chosen only where there is one.
    asked_at = database_now()
    credential = credentials.mint(
        actor, action, way, scope=(look_up.scope,), record=None, lease=lease, purpose=Purpose.LOOK_UP
    )
    try:
        _may_ask(action, lease)
        found = way.connector.look_up(
            way.info, way.operation, action.arguments, action.pk, credential, timeout_s=lease.timeout_s()
        )
        if found:
            outcome = _found(way.operation, found)
        elif asked_at >= settled:
            outcome = Outcome("no_effect", None, None, ABSENT, 0)
        else:
            raise Undecided("It is not there yet, and what was sent may still arrive.")
        _settle(actor, action, way, outcome, credential, lease, how=How.LOOK_UP)
    finally:
        credentials.end(actor, action, way, credential)


ABSENT = "The system holds nothing under this action's reference, and nothing sent can still arrive. It had no effect."


def _found(operation: Operation, rows: tuple[Any, ...]) -> Outcome:
    """The receipt. Raises Undecided where one call made several records: that is for a person to see."""
    if operation.read_created is None:
        assert operation.look_up is not None
        return Outcome("done", None, {operation.look_up.at: [dict(row) for row in rows]}, "Found by its reference.", 0)
    if len(rows) > 1:
        raise Undecided(f"The system holds {len(rows)} records under one reference.")
    return Outcome("done", None, dict(rows[0]), "Found by its reference.", 0)


def _settle(
    actor: Actor, action: Action, way: Reach, outcome: Outcome, credential: Credential, lease: Lease, *, how: How
) -> None:
    record_found(actor, action, way, outcome, credential, how=how.value, timeout_s=lease.timeout_s())
