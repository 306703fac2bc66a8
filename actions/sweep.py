"""The sweeper's round: what a lost message, a dead worker or a passed deadline left behind (R-01, F-04)."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.single import end_where_not_alone
from actions.doorbell import ring_each
from actions.epochs import current, doubt_earlier
from actions.erasure import forget_rested
from actions.execution import left_over
from actions.machine import StateConflict, move
from actions.models import Action, Plan
from actions.plans import stop_if_broken
from actions.rollback import sleeping
from actions.services import apply_verdict
from actions.states import STOPS_PLAN, STOPS_WHOLE_PLAN, SUCCESS, TAKEN_ALONG, State
from actions.switches import held_actions, open_switches
from actions.tool_versions import of_blocked_tools
from actions.turns import BEHIND_CANARY, stopped
from approvals.models import ApprovalRequest
from approvals.services import close_request, expire_due
from approvals.timers import run_timers
from policies.publishing import publish_due
from policies.replay import ring_stale
from traces.checkpoints.health import checkpoints_healthy
from traces.models import Trace

logger = logging.getLogger("remit.sweeper")
BATCH = 500
ANY = ""


@dataclass(slots=True)
class Swept:
    """What one round found; `failed` counts the parts that could not be done."""

    expired: int = 0
    timed: int = 0
    applied: int = 0
    requeued: int = 0
    unknown: int = 0
    rung: int = 0
    in_doubt: int = 0
    left_over: int = 0
    failed: int = 0


def sweep() -> Swept:
    """One round. Every part is safe to run in several processes at once, and one that fails keeps no other waiting.

    Raises OperationalError when the database does not answer: nothing more can be done in this round.
    """
    swept = Swept()
    for part in (_approvals, _settled, _leases, _stop_plans, _publish, _ring, _erase):
        try:
            part(swept)
        except OperationalError:
            raise
        except Exception:
            logger.exception("The part %s of this round failed; the next round tries again.", part.__name__.strip("_"))
            swept.failed += 1
    return swept


def _approvals(swept: Swept) -> None:
    """Requests whose time has come or whose tool changed."""
    swept.expired = expire_due(actor=system_actor("sweeper", ANY))
    swept.timed = run_timers(actor=system_actor("sweeper", ANY))
    end_where_not_alone(actor=system_actor("sweeper", ANY))
    _end_changed_tools()


def _settled(swept: Swept) -> None:
    swept.applied = _apply_settled()


def _leases(swept: Swept) -> None:
    """Doubt comes before leases end: what was claimed before a failover must not go back to the queue (F-05)."""
    swept.unknown = doubt_earlier(current())
    swept.requeued, ran_out = _end_leases()
    swept.unknown += ran_out


def _publish(swept: Swept) -> None:
    publish_due(actor=system_actor("sweeper", ANY))
    ring_stale()


def _erase(_: Swept) -> None:
    """Values that were to be erased while their calls were under way."""
    forget_rested()


def _ring(swept: Swept) -> None:
    """What waits for a worker: rollbacks, what may run now, unknown outcomes, credentials to revoke."""
    ring_each(sleeping())
    swept.rung, swept.in_doubt, swept.left_over = _ring_waiting(), _ring_in_doubt(), _ring_left_over()


def _end_changed_tools() -> None:
    """Approvals that wait for people about a tool whose definition changed since: what they look at can't run (R-22)."""
    asked = Action.objects.filter(state=State.PENDING, tool__isnull=False).exclude(tool_digest=F("tool__digest"))
    for action in asked[:BATCH]:
        actor = system_actor("sweeper", action.workspace_id)
        close_request(actor=actor, action_id=action.pk, state=ApprovalRequest.State.STALE)


def _apply_settled() -> int:
    """Verdicts whose process died between the vote and the action."""
    pending = Action.objects.filter(state=State.PENDING).values("pk")
    settled = ApprovalRequest.objects.exclude(state=ApprovalRequest.State.OPEN).filter(action_id__in=pending)
    ids = list(settled.values_list("pk", flat=True)[:BATCH])
    return sum(_applied(request_id) for request_id in ids)


def _applied(request_id: str) -> bool:
    """One verdict that cannot be carried over must not keep leases, expiries and other verdicts waiting."""
    try:
        apply_verdict(request_id=request_id)
    except OperationalError:
        raise
    except Exception:
        logger.exception("The verdict of %s could not be carried over; the next round tries again.", request_id)
        return False
    return True


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
    detail = "" if claimed else _silence(action)
    # When to find out is the worker's to judge: it knows the tool. It is rung in this same round.
    doubt: dict[str, Any] = {} if claimed else {"unknown_at": database_now(), "reconcile_at": _first_try()}
    try:
        with transaction.atomic():
            if not _free(action):
                return 0
            move(
                actor=system_actor("sweeper", action.workspace_id), action=action, to=to, entry=entry,
                body={"detail": detail}, bump_fence=claimed, detail=detail, lease_until=None, **doubt,
            )  # fmt: skip
    except StateConflict:
        return 0
    return 1


def _silence(action: Action) -> str:
    """What the end of a lease means once something may have happened."""
    definition = action.definition
    if definition is not None and definition.by_agent:
        return "The agent did not report in time how it ended. It may have done it."
    return "The worker stopped after the request may have left."


def _free(action: Action) -> bool:
    """Lock the action and its chain, unless somebody holds them: a process stopped in the middle must not stop the round.

    The database ends its session in time (idle_in_transaction_session_timeout), and a later round comes by.
    """
    row = Action.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=action.pk)
    chain = Trace.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=action.trace_id)
    return bool(row.values_list("pk")) and bool(chain.values_list("pk"))


def _first_try() -> datetime:
    return database_now() + timedelta(seconds=settings.REMIT_RECONCILE_S)


def _stop_plans(_: Swept) -> None:
    """Plans whose broken step was recorded by a process that died before it said so or before it cancelled all the rest.

    Also those where a step that was claimed when the plan stopped came back to the queue since.
    """
    untold = Q(plan__stopped_at_step=None) | Q(plan__stopped_at_step__gt=F("step"))
    cause = Action.objects.filter(plan_id=OuterRef("plan_id"), state__in=STOPS_WHOLE_PLAN)
    taken_along = Q(state__in=TAKEN_ALONG) & Q(Exists(cause))
    broken = Action.objects.filter(untold, ~taken_along, plan__isnull=False, state__in=STOPS_PLAN)
    left = stopped(Action.objects.filter(state__in=[State.AUTHORIZED, State.PENDING]))
    found = Plan.objects.filter(Q(pk__in=broken.values("plan_id")) | Q(pk__in=left.values("plan_id")))
    for plan in found.select_related("trace")[:BATCH]:
        _stop_plan(plan)


def _stop_plan(plan: Plan) -> None:
    """One plan that cannot be stopped must not keep leases, expiries and other plans waiting; none of its steps starts."""
    try:
        stop_if_broken(actor=system_actor("sweeper", plan.trace.workspace_id), plan_id=plan.pk)
    except OperationalError:
        raise
    except Exception:
        logger.exception("%s could not be stopped; the next round tries again.", plan.pk)


def _ring_waiting() -> int:
    """Ring again for every action that may run now: authorized, with every earlier step of its plan done."""
    earlier = Action.objects.filter(plan_id=OuterRef("plan_id"), step__lt=OuterRef("step"))
    blocked = Exists(earlier.exclude(state__in=SUCCESS))
    authorized = Action.objects.filter(state=State.AUTHORIZED)
    waiting = authorized.exclude(Q(plan__isnull=False) & blocked).exclude(BEHIND_CANARY)
    waiting = waiting.exclude(pk__in=stopped(authorized).values("pk"))
    # What a pause, a changed tool or an unsigned ledger holds is left out, so that it cannot crowd out what may run (P7).
    free = waiting.exclude(held_actions(open_switches())).exclude(of_blocked_tools())
    places = free.order_by().values_list("workspace_id", flat=True).distinct()
    unsigned = [workspace_id for workspace_id in places if not checkpoints_healthy(workspace_id)]
    return _ring_all(free.exclude(workspace_id__in=unsigned).order_by("created_at"))


def _ring_in_doubt() -> int:
    """Ring for every unknown outcome whose next try is due."""
    due = Q(reconcile_at=None) | Q(reconcile_at__lte=database_now())
    return _ring_all(Action.objects.filter(due, state=State.UNKNOWN).order_by("reconcile_at"))


def _ring_left_over() -> int:
    """Ring for actions whose attempts left a credential behind."""
    return _ring_all(Action.objects.filter(pk__in=left_over().values("action_id")).order_by("pk"))


def _ring_all(found: QuerySet[Action]) -> int:
    return ring_each(list(found.values_list("pk", flat=True)[:BATCH]))
