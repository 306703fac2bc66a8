"""Snooze: a reviewer puts a request aside for a while. It comes back by itself, and in time to be decided.

It hides a request from one person's own queue and Home, and changes nothing else: others see it, its clock goes on, reminders
and escalations happen, and who snoozed it may still open and decide it.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest, Snooze
from approvals.refusals import NotEntitled, VerdictRefused
from approvals.services import refuse_settled
from traces.canonical import instant
from traces.ledger import append

# INVARIANT: nothing is hidden in the last of its time. Held by tests/approvals/test_snoozes.py.
MARGIN = timedelta(minutes=10)
# What the page offers, in minutes.
CHOICES = {30: "30 min", 60: "1 h", 180: "3 h", 1440: "1 day"}
LONGEST = max(CHOICES)


class SnoozeRefused(VerdictRefused):
    """It was not put aside."""


def latest(request: ApprovalRequest) -> datetime:
    """Until when a request may be put aside."""
    return request.expires_at - MARGIN


def offered(request: ApprovalRequest, now: datetime) -> list[tuple[int, str]]:
    """The choices that leave time to decide it: `(minutes, words)`."""
    return [
        (minutes, words) for minutes, words in CHOICES.items() if now + timedelta(minutes=minutes) <= latest(request)
    ]


def snoozed_until(user: User, request_ids: list[str]) -> dict[str, datetime]:
    """Of these requests, those this person put aside and that have not come back: id -> until when."""
    found = Snooze.objects.filter(user=user, request__in=request_ids, until__gt=database_now())
    return dict(found.values_list("request_id", "until"))


def snooze(*, actor: Actor, user: User, request_id: str, minutes: int) -> Snooze:
    """Put a request aside for so many minutes. Raises AlreadyDecided, NotEntitled or SnoozeRefused."""
    if not 1 <= minutes <= LONGEST:
        raise SnoozeRefused(f"Snooze for 1 to {LONGEST} minutes.")
    with transaction.atomic():
        request, now = _decidable(user, request_id)
        until = now + timedelta(minutes=minutes)
        if until > latest(request):
            raise SnoozeRefused(
                f"It is due at {request.expires_at:%H:%M} UTC, so it can’t be put aside past {latest(request):%H:%M} UTC."
            )
        made, _ = Snooze.objects.update_or_create(request=request, user=user, defaults={"at": now, "until": until})
        body = {"approval": request.pk, "action": request.action_id, "until": instant(until)}
        append(actor=actor, trace_id=request.trace_id, type="approval.snoozed", body=body)
    return made


def wake(*, actor: Actor, user: User, request_id: str) -> None:
    """Have it back before its time. Nothing where it is not put aside. Raises AlreadyDecided or NotEntitled."""
    with transaction.atomic():
        request, now = _decidable(user, request_id)
        if Snooze.objects.filter(request=request, user=user, until__gt=now).update(until=now):
            body = {"approval": request.pk, "action": request.action_id}
            append(actor=actor, trace_id=request.trace_id, type="approval.woken", body=body)


def _decidable(user: User, request_id: str) -> tuple[ApprovalRequest, datetime]:
    """The request, locked, if it is this person's to decide: who could not decide has nothing to put aside."""
    request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    now = database_now()
    refuse_settled(request, now)
    may = eligibility(user, request)
    if not may.may_decide:
        raise NotEntitled(may.reason)
    return request, now
