"""Requests on routes of a test's own, and time that has passed: what no service of the product does."""

from dataclasses import asdict
from datetime import timedelta

from django.db.models import F

from accounts.clock import database_now
from accounts.models import Group, GroupMembership
from accounts.permissions import Role
from accounts.services import add_member, create_user, remove_member
from approvals.models import ApprovalRequest
from policies.engine.routes import route_of
from tests.cast import PASSWORD, Cast
from traces.canonical import plain
from traces.models import Entry


def entries(request: ApprovalRequest, kind: str) -> list[tuple[int, dict]]:
    """The place and body of each ledger entry `approval.<kind>` of the request's trace."""
    found = Entry.objects.filter(trace=request.trace_id, type=f"approval.{kind}").order_by("seq")
    return [(entry.seq, entry.record["body"]) for entry in found]


def routed(request: ApprovalRequest, **route) -> ApprovalRequest:
    """The request, as if policy had decided on this route, given as the document writes it."""
    request.route = plain(asdict(route_of("test", route)))
    request.save(update_fields=["route"])
    return ApprovalRequest.objects.get(pk=request.pk)


def waited(request: ApprovalRequest, minutes: float) -> ApprovalRequest:
    """The request as it stands that much later; everybody was in their groups long before."""
    past = timedelta(minutes=minutes)
    GroupMembership.objects.update(joined_at=F("joined_at") - timedelta(days=1))
    ApprovalRequest.objects.filter(pk=request.pk).update(
        created_at=F("created_at") - past, expires_at=F("expires_at") - past, next_timer_at=F("next_timer_at") - past
    )
    return ApprovalRequest.objects.get(pk=request.pk)


def into(cast: Cast, first: str, *slugs: str, joined=None) -> None:
    """Put a person in groups, since a day before now unless said otherwise."""
    for slug in slugs:
        group = Group.objects.get(workspace=cast.northwind, slug=slug)
        at = joined or ApprovalRequest.objects.order_by("created_at")[0].created_at - timedelta(days=1)
        GroupMembership.objects.update_or_create(group=group, user=cast.user(first), defaults={"joined_at": at})


def hired(cast: Cast, first: str, email: str = "") -> None:
    """A reviewer more."""
    user = create_user(
        actor=cast.actor("dana"), email=email or f"{first}@northwind.example", name=first.title(), password=PASSWORD
    )
    add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=user, role=Role.REVIEWER)
    cast.users[first] = user


def left_alone(cast: Cast, first: str = "dana") -> None:
    """Everybody else of the workspace loses their roles; who stays is owner, reviewer and of every group, from before."""
    for other in set(cast.users) - {first}:
        for role in Role:
            remove_member(actor=cast.actor(first), workspace=cast.northwind, user=cast.user(other), role=role)
    add_member(actor=cast.actor(first), workspace=cast.northwind, user=cast.user(first), role=Role.REVIEWER)
    for group in Group.objects.filter(workspace=cast.northwind):
        joined = database_now() - timedelta(days=1)
        GroupMembership.objects.update_or_create(group=group, user=cast.user(first), defaults={"joined_at": joined})
