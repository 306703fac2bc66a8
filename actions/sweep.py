"""The sweeper's round: what a lost message, a dead worker or a passed deadline left behind (R-01, F-04)."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.doorbell import ring
from actions.machine import StateConflict, move
from actions.models import Action, Plan
from actions.plans import stop_if_broken
from actions.services import apply_verdict
from actions.states import STOPS_PLAN, SUCCESS, State
from approvals.models import ApprovalRequest
from approvals.services import expire_due

BATCH = 500
ANY = ""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one round found."""

    expired: int
    applied: int
    requeued: int
    unknown: int
    rung: int


def sweep() -> Swept:
    """One round. Every part is safe to run in several processes at once."""
    expired = expire_due(actor=system_actor("sweeper", ANY))
    applied = _apply_settled()
    requeued, unknown = _end_leases()
    _stop_plans()
    return Swept(expired, applied, requeued, unknown, _ring_waiting())


def _apply_settled() -> int:
    """Verdicts whose process died between the vote and the action."""
    pending = Action.objects.filter(state=State.PENDING).values("pk")
    settled = ApprovalRequest.objects.exclude(state=ApprovalRequest.State.OPEN).filter(action_id__in=pending)
    ids = list(settled.values_list("pk", flat=True)[:BATCH])
    for request_id in ids:
        apply_verdict(request_id=request_id)
    return len(ids)


def _end_leases() -> tuple[int, int]:
    """A lease that ran out before sending goes back to the queue; one that ran out after is UNKNOWN, never requeued."""
    counts = {State.CLAIMED: 0, State.DISPATCHING: 0}
    dead = Action.objects.filter(state__in=list(counts), lease_until__lt=database_now())[:BATCH]
    for action in dead:
        counts[State(action.state)] += _end_lease(action)
    return counts[State.CLAIMED], counts[State.DISPATCHING]


def _end_lease(action: Action) -> int:
    claimed = action.state == State.CLAIMED
    to, entry = (State.AUTHORIZED, "action.requeued") if claimed else (State.UNKNOWN, "action.unknown")
    detail = "" if claimed else "The worker stopped after the request may have left. It is not sent again."
    try:
        move(
            actor=system_actor("sweeper", action.workspace_id), action=action, to=to, entry=entry,
            body={"detail": detail}, bump_fence=claimed, detail=detail, lease_until=None,
        )  # fmt: skip
    except StateConflict:
        return 0
    return 1


def _stop_plans() -> None:
    """Plans whose broken step was recorded by a process that died before cancelling the rest."""
    broken = Action.objects.filter(plan__stopped_at_step=None, plan__isnull=False, state__in=STOPS_PLAN)
    for plan in Plan.objects.filter(pk__in=broken.values("plan_id")).select_related("trace")[:BATCH]:
        stop_if_broken(actor=system_actor("sweeper", plan.trace.workspace_id), plan_id=plan.pk)


def _ring_waiting() -> int:
    """Ring again for every action that may run now: authorized, with every earlier step of its plan done."""
    earlier = Action.objects.filter(plan_id=OuterRef("plan_id"), step__lt=OuterRef("step"))
    blocked = Exists(earlier.exclude(state__in=SUCCESS))
    waiting = Action.objects.filter(state=State.AUTHORIZED).exclude(Q(plan__isnull=False) & blocked)
    ids = list(waiting.order_by("created_at").values_list("pk", flat=True)[:BATCH])
    for action_id in ids:
        ring(action_id)
    return len(ids)
