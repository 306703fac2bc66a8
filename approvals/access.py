"""Who may see which approval request. Absent and forbidden look alike."""

from django.db.models import Q, QuerySet

from accounts.access import NotVisible, has_permission
from accounts.ids import is_id
from accounts.models import Agent, Group, User, Workspace
from accounts.permissions import Permission
from approvals.algebra import Step
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest
from approvals.people import person_in


def requests_visible_to(user: User, workspace: Workspace) -> QuerySet[ApprovalRequest]:
    """All requests of the workspace for those who may view approvals; one's own for everybody else."""
    found = ApprovalRequest.objects.filter(workspace=workspace).select_related("requester", "agent", "trace")
    found = found.prefetch_related("verdicts", "timers")
    if has_permission(user, Permission.APPROVAL_VIEW, workspace):
        return found
    if has_permission(user, Permission.TRACE_VIEW_OWN, workspace):
        return found.filter(requester=user)
    return found.none()


def open_requests_for(user: User, workspace: Workspace) -> QuerySet[ApprovalRequest]:
    """Open requests this person may see."""
    return requests_visible_to(user, workspace).filter(state=ApprovalRequest.State.OPEN)


def decidable_by(user: User, workspace: Workspace) -> list[ApprovalRequest]:
    """Open requests whose current step this person may decide now, most urgent first."""
    who = person_in(user, workspace)
    return [request for request in open_requests_for(user, workspace) if eligibility(user, request, who).may_decide]


def get_request_for(user: User, request_id: str) -> ApprovalRequest:
    """One request in any workspace this person belongs to. Raises NotVisible."""
    found = ApprovalRequest.objects.select_related("workspace")
    request = found.filter(pk=request_id).first() if is_id("apr", request_id) else None
    if request is None or not requests_visible_to(user, request.workspace).filter(pk=request_id).exists():
        raise NotVisible("approval")
    return request


def get_request_for_agent(agent: Agent, request_id: str) -> ApprovalRequest:
    """One request about this agent's own action. Raises NotVisible."""
    found = ApprovalRequest.objects.filter(agent=agent)
    request = found.filter(pk=request_id).first() if is_id("apr", request_id) else None
    if request is None:
        raise NotVisible("approval")
    return request


def names_of(step: Step, workspace: Workspace) -> list[str]:
    """Names of the people who may decide a step, for the steps rail."""
    people = User.objects.filter(memberships__workspace=workspace, is_active=True)
    in_group = Q(approver_groups__group__slug__in=step.groups, approver_groups__group__workspace=workspace)
    return sorted(set(people.filter(in_group | Q(email__in=step.people)).values_list("name", flat=True)))


def group_title(slug: str, workspace: Workspace) -> str:
    """A group as people call it; its slug where it is gone."""
    found = Group.objects.filter(workspace=workspace, slug=slug).values_list("name", flat=True).first()
    return found or slug
