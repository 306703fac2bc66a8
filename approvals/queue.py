"""The queue page's data: rows grouped by time left, most urgent first."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from accounts.ways_in import why_nothing_is_sent
from approvals.access import requests_visible_to
from approvals.batch import why_alone
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest
from approvals.people import person_in
from approvals.snoozes import snoozed_until

SOON = timedelta(minutes=30)
SHOWN = {"": "Mine to decide", "snoozed": "Snoozed", "team": "Team", "decided": "Decided"}
MOST_DECIDED = 50


@dataclass(frozen=True, slots=True)
class QueueRow:
    id: str
    url: str
    title: str
    agent: str
    step_text: str
    expires_at: datetime
    time_left: str
    urgency: str
    current: bool
    state: str
    # Whether it may be ticked for the batch page by the person who reads this.
    tickable: bool = False
    # Why nothing is sent even when it is approved.
    unsent: str = ""


@dataclass(frozen=True, slots=True)
class QueueGroup:
    label: str
    rows: list[QueueRow]

    @property
    def count(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class QueueTab:
    key: str
    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Rows in groups, filters, and the order that next and previous follow."""

    groups: list[QueueGroup]
    tabs: list[QueueTab]
    waiting: int
    show: str
    requests: list[ApprovalRequest] = field(repr=False)
    may_load: bool = False
    may_decide: bool = False
    may_recheck: bool = False

    @property
    def tickable(self) -> int:
        """How many rows may be reviewed together with others."""
        return sum(row.tickable for group in self.groups for row in group.rows)

    @property
    def fingerprint(self) -> str:
        """Changes when a row comes, goes, moves or says something else; time left aside."""
        rows = [f"{one.pk} {one.step} {one.state} {one.digest} {unsent(one)}" for one in self.requests]
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]

    @property
    def first_request(self) -> ApprovalRequest | None:
        return self.requests[0] if self.requests else None

    def neighbours(self, request_id: str) -> tuple[int | None, str, str]:
        """`(position from 1 or None, previous url, next url)` of a request in this queue."""
        ids = [request.pk for request in self.requests]
        if request_id not in ids:
            return None, "", ""
        at = ids.index(request_id)
        before = reverse("approvals:review", args=[ids[at - 1]]) if at else ""
        after = reverse("approvals:review", args=[ids[at + 1]]) if at + 1 < len(ids) else ""
        return at + 1, before, after


def time_left(expires_at: datetime, now: datetime) -> tuple[str, str]:
    """Words and urgency: `("14 min left", "soon")`."""
    left = expires_at - now
    if left <= timedelta(0):
        return "Overdue", "overdue"
    minutes = int(left.total_seconds() // 60)
    words = f"{minutes // 60} h left" if minutes >= 120 else f"{max(minutes, 1)} min left"
    return words, "soon" if left <= SOON else "later"


def queue_page(user: User, workspace: Workspace, show: str, *, current: str = "") -> QueuePage:
    """The queue as `show` narrows it: "" = mine to decide, "snoozed" = mine put aside, "team" = all open, "decided"."""
    chosen = show if show in SHOWN else ""
    now = database_now()
    visible = requests_visible_to(user, workspace)
    opened = list(visible.filter(state=ApprovalRequest.State.OPEN).order_by("expires_at", "pk"))
    requests = _chosen(chosen, user, workspace, opened, visible.exclude(state=ApprovalRequest.State.OPEN))
    return QueuePage(
        groups=_groups(requests, now, current, show=chosen),
        tabs=[_tab(key, label, chosen) for key, label in SHOWN.items()],
        waiting=len(opened),
        show=chosen,
        requests=requests,
        may_decide=has_permission(user, Permission.APPROVAL_DECIDE, workspace),
        may_load=has_permission(user, Permission.AUDIT_VIEW, workspace),
        may_recheck=has_permission(user, Permission.APPROVAL_VIEW, workspace),
    )


def _chosen(
    show: str, user: User, workspace: Workspace, opened: list[ApprovalRequest], settled: QuerySet[ApprovalRequest]
) -> list[ApprovalRequest]:
    if show == "team":
        return opened
    if show == "decided":
        return list(settled.order_by("-settled_at")[:MOST_DECIDED])
    who = person_in(user, workspace)
    mine = [request for request in opened if eligibility(user, request, who).may_decide]
    aside = snoozed_until(user, [request.pk for request in mine])
    return [request for request in mine if (request.pk in aside) == (show == "snoozed")]


def _tab(key: str, label: str, chosen: str) -> QueueTab:
    return QueueTab(key, label, f"?show={key}" if key else "?", key == chosen)


def _groups(requests: list[ApprovalRequest], now: datetime, current: str, *, show: str) -> list[QueueGroup]:
    decided = show == "decided"
    names = ("Decided",) if decided else ("Overdue", "Due within 30 min", "Later today", "Later")
    groups = [QueueGroup(name, []) for name in names]
    by_name = {group.label: group for group in groups}
    for request in requests:
        name = "Decided" if decided else _group_name(request.expires_at, now)
        by_name[name].rows.append(_row(request, now, current, mine=show == ""))
    return [group for group in groups if group.rows]


def _step_text(request: ApprovalRequest) -> str:
    if request.is_with_agent:
        return "with the agent, asked for changes"
    return "draft to send" if request.kind == "draft" else f"step {request.step} of {len(request.steps)}"


def _group_name(expires_at: datetime, now: datetime) -> str:
    if expires_at <= now:
        return "Overdue"
    if expires_at - now <= SOON:
        return "Due within 30 min"
    return "Later today" if expires_at.date() == now.date() else "Later"


def unsent(request: ApprovalRequest) -> str:
    """Why nothing would be sent even if it were approved, as its agent stands now; "" where that is not so.

    What a person asked for, such as a rollback, does not rest on the agent.
    """
    return why_nothing_is_sent(request.agent) if request.is_open and request.agent else ""


def row_of(request: ApprovalRequest, now: datetime) -> QueueRow:
    """One row outside the queue, for Home."""
    return _row(request, now, "", mine=False)


def _row(request: ApprovalRequest, now: datetime, current: str, *, mine: bool) -> QueueRow:
    words, urgency = time_left(request.expires_at, now)
    return QueueRow(
        id=request.pk,
        url=reverse("approvals:review", args=[request.pk]),
        title=request.title,
        agent=request.agent.name if request.agent else request.requester.name,
        step_text=_step_text(request),
        expires_at=request.expires_at,
        time_left=words if request.is_open else request.state_words.capitalize(),
        urgency=urgency if request.is_open else "settled",
        current=request.pk == current,
        state=request.state,
        tickable=mine and not why_alone(request),
        unsent=unsent(request),
    )
