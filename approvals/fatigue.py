"""How people approve: when a payload was shown to them, how long they took, how many an hour (A-09, T25).

It measures what was presented. Whether somebody considered it, no measurement here can say.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import QuerySet

from accounts.clock import database_now
from accounts.humans import accounts_of
from accounts.models import User
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest, Opening, Verdict
from approvals.requirement import settings_of

HOUR = timedelta(hours=1)
FAST_MS = 2000
# From so many approvals an hour on, with so short a median, the review page says so.
NUDGE_FROM, NUDGE_BELOW_MS = 10, 5000


def note_opened(request: ApprovalRequest, user: User) -> None:
    """The payload is being shown to somebody who may decide it; the first time counts."""
    if not eligibility(user, request).may_decide:
        return
    Opening.objects.get_or_create(request=request, user=user, digest=request.digest, defaults={"at": database_now()})


def note_shown(requests: Iterable[ApprovalRequest], user: User) -> None:
    """The same for several payloads on one page, each known to be this person's to decide."""
    now = database_now()
    shown = [Opening(request=request, user=user, digest=request.digest, at=now) for request in requests]
    Opening.objects.bulk_create(shown, ignore_conflicts=True)


def first_opened(request: ApprovalRequest, user: User) -> datetime | None:
    """When what stands in the request now was first shown to this person; None when it never was."""
    found = Opening.objects.filter(request=request, user=user, digest=request.digest).first()
    return found.at if found else None


def hourly_limit(request: ApprovalRequest) -> int | None:
    """Approvals of one human an hour above which a second approver is asked: the route's or the workspace's, whichever asks
    more; None for never.
    """
    asked = (settings_of(request.workspace_id).second_above, request.route.get("second_above"))
    return min((limit for limit in asked if limit is not None), default=None)


def above_limit(user: User, request: ApprovalRequest, now: datetime) -> bool:
    """Whether one more approval of this human is above the hourly limit. Runs inside the approval's transaction.

    INVARIANT: approvals of one human are counted one after the other. Held by tests/stepup/test_load.py.
    """
    limit = hourly_limit(request)
    if limit is None:
        return False
    # Their rows are locked, in one order, until the approval is committed: those at the same moment wait and count it.
    mine = User.objects.select_for_update(no_key=True).filter(pk__in=accounts_of(user)).order_by("pk")
    return _approvals([account.pk for account in mine], request.workspace_id, now).count() >= limit


def _approvals(accounts: Collection[str], workspace_id: str, now: datetime) -> QuerySet[Verdict]:
    return Verdict.objects.filter(
        user__in=accounts, request__workspace=workspace_id, choice=Verdict.Choice.APPROVE, at__gt=now - HOUR
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """One person's approvals of the last hour."""

    approvals: int
    median_ms: int | None
    # Approved and never opened: nobody knows how long that took.
    unopened: int = 0

    @property
    def is_fast(self) -> bool:
        quick = self.median_ms is not None and self.median_ms < NUDGE_BELOW_MS
        return self.approvals >= NUDGE_FROM and (quick or self.is_blind)

    @property
    def is_blind(self) -> bool:
        """Whether most of them were never opened."""
        return self.unopened * 2 > self.approvals

    @property
    def sentence(self) -> str:
        """What the review page says to a person who is fast or does not open what they approve; empty to others."""
        if not self.is_fast:
            return ""
        if self.is_blind or self.median_ms is None:
            return f"You approved {self.approvals} in the last hour, {self.unopened} of them without opening them."
        took = f"{self.median_ms / 1000:.0f} s" if self.median_ms >= 1000 else "under 1 s"
        return f"You approved {self.approvals} in the last hour, median {took}."


def pace(user: User, workspace_id: str) -> Pace:
    """How fast this person approves now."""
    dwells = list(_approvals([user.pk], workspace_id, database_now()).values_list("dwell_ms", flat=True))
    known = [dwell for dwell in dwells if dwell is not None]
    return Pace(len(dwells), int(median(known)) if known else None, len(dwells) - len(known))
