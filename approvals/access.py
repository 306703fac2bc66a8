"""Who may see which approval request. Absent and forbidden look alike."""

from django.db.models import QuerySet

from accounts.access import NotVisible, has_permission
from accounts.ids import is_id
from accounts.models import Agent, GroupMembership, User, Workspace
from accounts.permissions import Permission
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest


def requests_visible_to(user: User, workspace: Workspace) -> QuerySet[ApprovalRequest]:
    """All requests of the workspace for those who may view approvals; one's own for everybody else."""
    found = ApprovalRequest.objects.filter(workspace=workspace).select_related("requester", "agent", "trace")
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
    return [request for request in open_requests_for(user, workspace) if eligibility(user, request).may_decide]


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


def group_names(request: ApprovalRequest, slug: str) -> list[str]:
    """Names of the people in an approver group of the request's workspace, for the steps rail."""
    members = GroupMembership.objects.filter(group__slug=slug, group__workspace=request.workspace)
    return sorted(members.values_list("user__name", flat=True))
