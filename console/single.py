"""What the page of single-operator mode says: whether it holds, what it cannot reach, and what waits from before. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from accounts.access import has_permission
from accounts.attributes import people_with
from accounts.models import GroupMembership, SingleOperator, User, Workspace
from accounts.permissions import Permission
from approvals.access import group_title
from approvals.models import ApprovalRequest
from policies.engine.diff.words import attributes
from policies.engine.problems import PolicyError
from policies.engine.types import Route
from policies.models import Policy
from policies.services import PolicyMissing, live_document


@dataclass(frozen=True, slots=True)
class Wall:
    """Something one person cannot approve, mode or not; `remedy` says what would change that."""

    what: str
    why: str
    remedy: str
    url: str


def walls(user: User, workspace: Workspace) -> list[Wall]:
    """Routes of live policies that this person alone never completes."""
    found = [] if has_permission(user, Permission.APPROVAL_DECIDE, workspace) else [_NO_REVIEWER]
    mine = set(
        GroupMembership.objects.filter(user=user, group__workspace=workspace).values_list("group__slug", flat=True)
    )
    for policy in Policy.objects.filter(workspace=workspace).order_by("name"):
        try:
            document, _ = live_document(workspace_id=workspace.pk, slug=policy.slug)
        except (PolicyMissing, PolicyError):
            continue  # It allows nothing, so it asks nobody.
        url = reverse("policies:steps", args=[policy.slug])
        for route in document.routes.values():
            found += [
                Wall(f"{policy.name}, route {route.name}", *why, url) for why in _lacking(route, user, mine, workspace)
            ]
    return found


_NO_REVIEWER = Wall("Every approval", "You have no Reviewer role.", "Give yourself the role.", "")


def _lacking(route: Route, user: User, mine: set[str], workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Why a route stays out of reach, and the remedy. One human takes one seat of a route, in this mode too."""
    seats = sum(step.quorum for step in route.steps)
    if seats > 1:
        yield (
            f"It asks {seats} different people.",
            "Give a second person a role, or let its steps ask one; for side effects the ship gate then wants a waiver.",
        )
    for step in route.steps:
        if user.email in step.people or people_with(workspace.pk, step.attributes).filter(pk=user.pk).exists():
            continue
        if step.attributes and not step.group:
            yield (
                f"{step.name} asks {attributes(step.attributes)}.",
                "Say it of yourself under People; it counts afterwards.",
            )
        if step.group and step.group not in mine:
            title = group_title(step.group, workspace)
            yield (
                f"{step.name} asks {title}, and you are not in it.",
                f"Join {title}; it counts for what is asked afterwards.",
            )


def waiting_from_before(mode: SingleOperator) -> int:
    """Requests that were open when it was turned on: it does not count for them (R-24)."""
    open_ones = ApprovalRequest.objects.filter(workspace=mode.workspace, state=ApprovalRequest.State.OPEN)
    return open_ones.filter(created_at__lt=mode.started_at).exclude(excluded={}).count()
