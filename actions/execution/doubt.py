"""What to do about an action whose outcome is unknown: the rules of F-02 as one choice. Sends nothing, writes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings

from actions.connectors.operation import Operation
from actions.execution import recheck
from actions.execution.credentials import dead_from
from actions.execution.reach import Reach
from actions.models import Action, Epoch
from actions.turns import is_its_turn
from approvals.models import ApprovalRequest

MOST_TRIES = 8
LONGEST_PAUSE_S = 300


class How(StrEnum):
    """How to find out."""

    NOTHING_TO_FIND = "nothing_to_find"
    SEND_AGAIN = "send_again"
    LOOK_UP = "look_up"
    WAIT = "wait"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Choice:
    """The next step, the sentence that says why, and for `wait` until when."""

    how: How
    why: str
    until: datetime | None = None


def pause_after(tries: int) -> timedelta:
    """The pause before the next try: it doubles up to five minutes."""
    return timedelta(seconds=min(settings.REMIT_RECONCILE_S * 2**tries, LONGEST_PAUSE_S))


def choose(action: Action, way: Reach, *, now: datetime) -> Choice:
    """The next step for an action in UNKNOWN."""
    operation = way.operation
    if operation.by_agent and not way.definition.reads_only:
        return Choice(How.PERSON, "The agent did this itself, so only people can look what became of it.")
    if not operation.has_effect:
        return Choice(How.NOTHING_TO_FIND, "It only reads, so nothing was changed.")
    problem = _unusable(action, operation)
    if problem:
        return Choice(How.PERSON, problem)
    if operation.klass == "A":
        barred = _barred_from_sending(action, way, now)
        if not barred:
            return Choice(How.SEND_AGAIN, "The system honours idempotency keys, so the same request has one effect.")
        if operation.look_up is None:
            return Choice(How.PERSON, f"{barred} The system cannot be asked.")
    return look_up_when_settled(action, operation, now)


def look_up_when_settled(action: Action, operation: Operation, now: datetime) -> Choice:
    """Look up, once nothing that was sent can still arrive."""
    until = settled_at(action, operation)
    if now < until:
        return Choice(How.WAIT, "What was sent may still arrive, so absence proves nothing yet.", until)
    return Choice(How.LOOK_UP, "The system is asked what it holds under this action's reference.")


def _unusable(action: Action, operation: Operation) -> str:
    """Why nothing can be found out by asking; "" when it can."""
    if operation.klass == "C" or (operation.klass == "B" and operation.look_up is None):
        return "The system neither honours idempotency keys nor can be asked, so a person must look."
    if action.tool is None or action.tool.digest != action.tool_digest:
        return "The tool's definition changed since, so the same request can't be made again."
    if action.sent_to != action.goes_to:
        return "The connection points at another system since, so asking it proves nothing."
    if action.reconcile_tries >= MOST_TRIES:
        return f"It could not be found out in {MOST_TRIES} tries."
    return ""


def _barred_from_sending(action: Action, way: Reach, now: datetime) -> str:
    """Why the same request may not leave again, as a sentence; "" when it may."""
    if way.operation.write is None or way.operation.write.key_header is None:
        return "The tool names no header for an idempotency key."
    assert action.dispatched_at is not None  # Nothing is in doubt that was not dispatched.
    margin = timedelta(seconds=settings.REMIT_LEASE_S)
    if now + margin >= action.dispatched_at + timedelta(seconds=way.operation.key_window_s):
        return "The system may have forgotten the idempotency key by now."
    if action.epoch is None or action.sent_digest:
        found = recheck.problem(action, way, checks=recheck.OWN_CHECKS)
        return found.sentence if found else ""
    return _barred_after_failover(action, way)


def _barred_after_failover(action: Action, way: Reach) -> str:
    """Nothing may have left yet, so this may be the first request: everything must hold, turn and target too (P4, F-05, F-07).

    INVARIANT: no step is sent first before its turn, nor of a plan that stopped. Held by tests/faults/test_failover_plans.py.
    """
    assert action.epoch is not None  # Nothing else is in doubt before it was sent.
    if not is_its_turn(action):
        return "It is not its turn in its plan, so nothing of it is sent."
    request = ApprovalRequest.objects.filter(action_id=action.pk).first()
    epoch = Epoch.objects.filter(number=action.epoch or 0).first()
    if epoch is None:
        return "Nobody knows in which life of the database it was claimed."
    if request is not None and (request.settled_at is None or request.settled_at >= epoch.began_at):
        return "People decided it again after the database was replaced, so what was sent before may have been other bytes."
    found = recheck.problem(action, way)
    return found.sentence if found else ""


def settled_at(action: Action, operation: Operation) -> datetime:
    """From when on absence is proof: nothing can be on its way, no credential can still write, and the lag has passed."""
    last = action.resent_at or action.dispatched_at
    assert last is not None
    lease_end = last + timedelta(seconds=settings.REMIT_LEASE_S)
    arrived = last + timedelta(seconds=settings.REMIT_CALL_TIMEOUT_S)
    lag = timedelta(seconds=operation.look_up.lag_s if operation.look_up else 0)
    # After a failover the record of an attempt's credential may be lost too, so its whole lease is waited for.
    dead = dead_from(action) or lease_end if action.epoch is None else lease_end
    return max(arrived, dead) + lag
