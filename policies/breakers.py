"""Circuit breakers: too many bad events in a window hold every call they cover, until a person resets them.

INVARIANT: events that end at the same time are counted one after the other, so that a breaker trips at the event that is
one too many, and once. Held by tests/policies/test_breakers.py.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.access import NotVisible, require
from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question
from policies.breaker_counts import Counted, concerns, count
from policies.engine.currencies import money_text
from policies.engine.limits import window_text
from policies.engine.parts import Breaker, Document
from policies.history import Outcome, request_of
from policies.limits import lock_counters
from policies.models import BreakerTrip, DecisionRecord
from traces.services import record_governance

MIN_REASON, MAX_REASON = 10, 500
DECIDED = "decided"
# What happened -> the breakers that count it.
EVENTS: Mapping[str, tuple[str, ...]] = {
    DECIDED: ("denials", "repeats"),
    Outcome.SUCCEEDED: ("spend",),
    Outcome.FAILED: ("failures",),
    Outcome.UNKNOWN: ("failures",),
    Outcome.REJECTED: ("rejections",),
    Outcome.ROLLED_BACK: ("rollbacks",),
    Outcome.NOT_RUN: (),
}


class ResetRefused(Exception):
    """The breaker was not reset; the message says why."""


def trips_holding(workspace_id: str, policy: str) -> QuerySet[BreakerTrip]:
    """The trips that nobody has reset: each holds every call that its breaker covers."""
    return BreakerTrip.objects.filter(workspace_id=workspace_id, policy=policy, reset_at=None).order_by()


_HOLDING = Question(lambda workspace_id, policy: trips_holding(workspace_id, policy).values_list("key"))


def tripped_keys(workspace_id: str, policy: str) -> frozenset[str]:
    """The breakers of a policy that hold now, as the engine names them."""
    return frozenset(key for (key,) in _HOLDING.all(workspace_id, policy))


def observe(*, workspace_id: str, document: Document, record: DecisionRecord, event: str) -> tuple[BreakerTrip, ...]:
    """Count one thing that happened to an action and trip the breakers for which it was one too many.

    `event` is `decided` or an outcome. Runs inside the transaction that recorded it, after that record was written.
    Raises ValueError for what is no event, RuntimeError outside a transaction.
    """
    if event not in EVENTS:
        raise ValueError(f"{event} is not an event a breaker counts.")
    if not connection.in_atomic_block:
        raise RuntimeError("Breakers count inside the transaction of what they count.")
    watching = [breaker for breaker in document.breakers if breaker.on in EVENTS[event]]
    if not watching:
        return ()
    request = request_of(record)
    whose = str(request.agent["id"]), request.tool
    keys = {breaker.key(*whose): breaker for breaker in watching if concerns(breaker, record, request)}
    if not keys:
        return ()
    lock_counters(workspace_id, [f"breaker:{key}" for key in keys])
    held = tripped_keys(workspace_id, record.policy)
    trips = []
    for key in sorted(set(keys) - held):
        counted = count(keys[key], record, request, _since(record, key, keys[key]))
        if counted.total > keys[key].max:
            trips.append(_trip(key, keys[key], record, counted))
    return tuple(trips)


def observe_decided(*, workspace_id: str, document: Document, record: DecisionRecord) -> None:
    """Count a decision as soon as it is committed, in a transaction of its own.

    A plan decides many steps in one transaction: a breaker's lock taken between the limits' locks of two steps could wait
    for another plan that waits for this one.
    """
    if any(breaker.on in EVENTS[DECIDED] for breaker in document.breakers):
        transaction.on_commit(lambda: _observe_alone(workspace_id, document, record))


def counts_allowed(document: Document) -> bool:
    """Whether a call that was allowed may trip a breaker of this policy before it is sent: one of repeats, not one of denials."""
    return any(breaker.on == "repeats" for breaker in document.breakers)


def _observe_alone(workspace_id: str, document: Document, record: DecisionRecord) -> None:
    with transaction.atomic():
        observe(workspace_id=workspace_id, document=document, record=record, event=DECIDED)


def _since(record: DecisionRecord, key: str, breaker: Breaker) -> datetime:
    """The start of the window, or the last reset where that was later."""
    start = database_now() - timedelta(seconds=breaker.window_s)
    trips = BreakerTrip.objects.filter(workspace_id=record.workspace_id, policy=record.policy, key=key)
    resets = trips.filter(reset_at__gt=start)
    last = resets.order_by("-reset_at").values_list("reset_at", flat=True).first()
    return last or start


def _trip(key: str, breaker: Breaker, record: DecisionRecord, counted: Counted) -> BreakerTrip:
    trip = BreakerTrip.objects.create(
        workspace_id=record.workspace_id, policy=record.policy, breaker=breaker.id, key=key,
        reason=_reason(breaker, counted)[:500], evidence=[_evidence(one) for one in counted.records],
        tripped_at=database_now(),
    )  # fmt: skip
    actor = system_actor("breakers", record.workspace_id)
    body = {**_told(trip), "actions": [one["action"] for one in trip.evidence]}
    record_governance(actor=actor, workspace_id=record.workspace_id, type="breaker.tripped", body=body)
    return trip


def _told(trip: BreakerTrip) -> dict[str, str]:
    return {
        "trip": trip.pk, "policy": trip.policy, "breaker": trip.breaker, "key": trip.key,
        "reason": trip.reset_reason or trip.reason,
    }  # fmt: skip


def _evidence(record: DecisionRecord) -> dict[str, str]:
    return {"action": record.action_id, "trace": record.trace_id, "title": record.title, "outcome": record.outcome}


def _reason(breaker: Breaker, counted: Counted) -> str:
    """`6 failures in the last 15 minutes; 5 is the most allowed.`"""
    found, most = f"{counted.total:,} {breaker.on}", f"{breaker.max:,}"
    if breaker.on == "spend":
        found, most = (money_text(amount, breaker.currency or "") for amount in (counted.total, breaker.max))
        found += " spent"
    elif breaker.on == "repeats":
        found = f"The same call {counted.total:,} times"
    elif counted.total == 1:
        found = f"1 {breaker.on.removesuffix('s')}"
    return f"{found} in the last {window_text(breaker.window_s)}; {most} is the most allowed."


def reset(*, actor: Actor, user: User, workspace: Workspace, trip_id: str, reason: str) -> BreakerTrip:
    """Let covered calls through again; what happened before the reset counts no more.

    Raises ResetRefused, Forbidden or NotVisible; then the breaker still holds.
    """
    require(user, Permission.AGENT_PAUSE, workspace)
    said = reason.strip()
    if len(said) < MIN_REASON:
        raise ResetRefused(f"Say in at least {MIN_REASON} characters what you found and why calls may go on.")
    if len(said) > MAX_REASON:
        raise ResetRefused(f"This has more than {MAX_REASON} characters. Shorten it.")
    with transaction.atomic():
        trip = BreakerTrip.objects.select_for_update(of=("self",)).filter(pk=trip_id, workspace=workspace).first()
        if trip is None:
            raise NotVisible("breaker trip")
        if trip.reset_at is not None:
            raise ResetRefused(f"{(trip.reset_by or {}).get('name', 'Someone')} reset this breaker already.")
        trip.reset_at, trip.reset_reason = database_now(), said
        trip.reset_by = {"kind": actor.kind, "id": actor.id, "name": actor.name}
        trip.save(update_fields=["reset_at", "reset_reason", "reset_by"])
        record_governance(actor=actor, workspace_id=workspace.pk, type="breaker.reset", body=_told(trip))
    return trip
