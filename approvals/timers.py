"""What happens to a request that nobody decides: reminders, and people added when it waited too long. On the database clock.

The sweeper's part. Each timer happens at most once, in one transaction with its ledger entry (R-27).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from approvals.algebra import Timer, timers
from approvals.models import ApprovalRequest, FiredTimer
from traces.ledger import append

BATCH = 500
ENTRIES = {"escalation": "approval.escalated", "reminder": "approval.reminded"}


def run_timers(*, actor: Actor) -> int:
    """Everything that is due now, in all workspaces. Safe to run twice and in several processes. Returns how many happened."""
    due = ApprovalRequest.objects.filter(state=ApprovalRequest.State.OPEN, next_timer_at__lte=database_now())
    ids = list(due.order_by("next_timer_at").values_list("pk", flat=True)[:BATCH])
    return sum(_run(actor, request_id) for request_id in ids)


def _run(actor: Actor, request_id: str) -> int:
    """The timers of one request; somebody who holds it now is deciding it, and a later round comes by."""
    with transaction.atomic():
        rows = ApprovalRequest.objects.select_for_update(of=("self",), skip_locked=True)
        request, now = rows.filter(pk=request_id).first(), database_now()
        if request is None or not request.is_open or request.is_with_agent or now >= request.expires_at:
            return 0
        left = _left(request)
        fired = [timer for timer in _due(left, now - request.created_at) if _concerns(request, timer)]
        for timer in fired:
            _fire(actor, request, timer, now)
        later = [timer.after for timer in left if request.created_at + timer.after > now]
        request.next_timer_at = request.created_at + min(later) if later else None
        request.save(update_fields=["next_timer_at"])
    return len(fired)


def _left(request: ApprovalRequest) -> list[Timer]:
    done = {(fired.kind, fired.number) for fired in request.timers.all()}
    return [timer for timer in timers(request.route, request.lasts) if timer.key not in done]


def _due(left: Sequence[Timer], waited: Any) -> list[Timer]:
    """Those whose time has come. Of reminders only the last: who was not reminded for an hour is not reminded three times."""
    due = [timer for timer in left if timer.after <= waited]
    reminders = [timer for timer in due if timer.kind == "reminder"]
    return [timer for timer in due if timer.kind != "reminder" or timer is reminders[-1]]


def _concerns(request: ApprovalRequest, timer: Timer) -> bool:
    """Whether a step it is about still waits or comes later; one that was settled in time escalates no more."""
    if not timer.step:
        return True
    first = request.waiting[0]
    undecided = [step for step in request.steps if step in request.waiting or step.stage > first.stage]
    return any(step.name == timer.step for step in undecided)


def _fire(actor: Actor, request: ApprovalRequest, timer: Timer, now: datetime) -> None:
    FiredTimer.objects.create(request=request, kind=timer.kind, number=timer.number, at=now)
    body: dict[str, Any] = {
        "approval": request.pk,
        "action": request.action_id,
        "number": timer.number,
        "waiting": [step.name for step in request.waiting],
        "waited_ms": int((now - request.created_at).total_seconds() * 1000),
    }
    if timer.kind == "escalation":
        body |= {"to": timer.group, "step": timer.step}
    append(actor=actor, trace_id=request.trace_id, type=ENTRIES[timer.kind], body=body)
