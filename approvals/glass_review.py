"""The review owed for an emergency: written by whoever broke the glass, confirmed by a different person, both in the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from accounts.access import has_permission
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.permissions import Permission
from approvals.access import requests_visible_to
from approvals.models import BreakGlass
from approvals.people import Person, person_in
from approvals.queue import time_left
from approvals.refusals import AlreadyDecided, NotEntitled, ReasonNeeded, VerdictRefused
from traces.ledger import append

LEAST = 20


@dataclass(frozen=True, slots=True)
class GlassRow:
    """One line of Home: an emergency that is not resolved, and what this person has to do about it."""

    title: str
    agent: str
    step_text: str
    time_left: str
    urgency: str
    expires_at: datetime
    url: str
    verb: str


def part_of(broken: BreakGlass, who: Person) -> str:
    """What this person has to do: `write`, `confirm`, `read` (they are told), or nothing."""
    if broken.confirmed_at is not None:
        return ""
    told, reviews = _told(broken, who), _reviews(broken, who)
    mine = {broken.user_id, broken.reviewed_by_id} & who.approver.accounts
    if broken.reviewed_at is None:
        # Somebody who has left owes nothing any more; one of those who would confirm writes instead.
        writes = broken.user_id == who.user.pk or (reviews and _left(broken))
        return "write" if writes else "read" if told else ""
    if reviews and not mine:
        return "confirm"
    return "read" if mine or told else ""


def _left(broken: BreakGlass) -> bool:
    """Whether who broke it cannot write any more: their account is closed, or they have no role here."""
    return not has_permission(broken.user, Permission.APPROVAL_VIEW, broken.request.workspace)


def _told(broken: BreakGlass, who: Person) -> bool:
    return not {*broken.notified, broken.review_group}.isdisjoint(who.approver.groups)


def _reviews(broken: BreakGlass, who: Person) -> bool:
    """A reviewer, in the group since before it happened, and without a hand in what ran (R-24): nobody judges an emergency
    who could not have decided what it skipped.
    """
    since, request = who.approver.groups.get(broken.review_group), broken.request
    early = since is not None and since < broken.at
    return who.decides and early and not who.refused_in({**request.involved, **request.excluded})


def unresolved_for(user: User, workspace: Workspace) -> list[GlassRow]:
    """Every emergency this person has a part in that is not resolved, first what is due first; to an owner every overdue one."""
    who, now = person_in(user, workspace), database_now()
    owns = has_permission(user, Permission.MEMBER_MANAGE, workspace)
    open_ones = BreakGlass.objects.filter(request__workspace=workspace, confirmed_at=None)
    seen = open_ones.filter(request__in=requests_visible_to(user, workspace))
    rows = seen.select_related("request__agent", "request__workspace", "user")
    found = [(broken, part_of(broken, who) or ("read" if owns and broken.overdue else "")) for broken in rows]
    return [_row(broken, part, now) for broken, part in found if part]


_DOES = {"write": ("write the review you owe", "Write"), "confirm": ("confirm the review", "Confirm")}


def _row(broken: BreakGlass, part: str, now: datetime) -> GlassRow:
    words, urgency = time_left(broken.due_at, now)
    text, verb = _DOES.get(part, (f"{broken.user.name} ran it without {' and '.join(broken.skipped)}", "Read"))
    request = broken.request
    return GlassRow(
        title=f"Emergency: {request.title}",
        agent=request.agent.name if request.agent else request.requester.name,
        step_text=text,
        time_left=words,
        urgency=urgency,
        expires_at=broken.due_at,
        url=reverse("approvals:glass_review", args=[request.pk]),
        verb=verb,
    )


def write_review(*, actor: Actor, user: User, request_id: str, text: str) -> BreakGlass:
    """What happened and why it could not wait. Raises NotEntitled, ReasonNeeded or AlreadyDecided."""

    def change(broken: BreakGlass, now: datetime) -> dict[str, object]:
        broken.review, broken.reviewed_by, broken.reviewed_at = text.strip(), user, now
        return {"text": broken.review, "overdue": now > broken.due_at}

    return _changed(actor, user, request_id, "write", text, "approval.glass_reviewed", change)


def confirm_review(*, actor: Actor, user: User, request_id: str, finding: str, note: str) -> BreakGlass:
    """A different person's word on it, which resolves it. Raises NotEntitled, ReasonNeeded or AlreadyDecided."""
    if finding not in BreakGlass.Finding.values:
        raise VerdictRefused("Say whether it was justified.")

    def change(broken: BreakGlass, now: datetime) -> dict[str, object]:
        broken.finding, broken.finding_note, broken.confirmed_by, broken.confirmed_at = finding, note.strip(), user, now
        return {"finding": finding, "note": broken.finding_note, "overdue": now > broken.due_at}

    return _changed(actor, user, request_id, "confirm", note, "approval.glass_confirmed", change)


def _changed(
    actor: Actor, user: User, request_id: str, part: str, text: str, entry: str,
    change: Callable[[BreakGlass, datetime], dict[str, object]],
) -> BreakGlass:  # fmt: skip
    """Change a review this person has that part in, with its ledger entry."""
    with transaction.atomic():
        rows = BreakGlass.objects.select_for_update(of=("self",)).select_related("request__workspace", "user")
        broken = rows.get(request_id=request_id)
        if broken.confirmed_at is not None or (part == "write" and broken.reviewed_at is not None):
            raise AlreadyDecided("This was reviewed already.")
        if part_of(broken, person_in(user, broken.request.workspace)) != part:
            raise NotEntitled("This review is somebody else’s to write or confirm.")
        if len(text.strip()) < LEAST:
            raise ReasonNeeded(f"Write {LEAST} characters or more. It stands in the ledger.")
        body = change(broken, database_now())
        broken.save()
        body |= {"approval": request_id, "action": broken.request.action_id}
        append(actor=actor, trace_id=broken.request.trace_id, type=entry, body=body)
    return broken
