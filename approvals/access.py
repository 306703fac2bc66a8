"""Who may see which approval request. Absent and forbidden look alike."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from accounts.access import NotVisible, delegations_now, has_permission
from accounts.attributes import people_with
from accounts.ids import is_id
from accounts.models import Agent, Group, User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question, number_of
from approvals.algebra import Step
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest
from approvals.people import person_in
from approvals.snoozes import snoozed_until


def requests_visible_to(user: User, workspace: Workspace) -> QuerySet[ApprovalRequest]:
    """All requests of the workspace for those who may view approvals; one's own for everybody else."""
    found = ApprovalRequest.objects.filter(workspace=workspace).select_related("requester", "agent", "trace")
    found = found.prefetch_related("verdicts", "timers")
    theirs = _theirs(user, workspace)
    return found.none() if theirs is None else found.filter(**theirs)


def _theirs(user: User, workspace: Workspace) -> dict[str, str] | None:
    """What narrows the requests of a workspace to what this person may see; None where they may see none."""
    if has_permission(user, Permission.APPROVAL_VIEW, workspace):
        return {}
    return {"requester": user.pk} if has_permission(user, Permission.TRACE_VIEW_OWN, workspace) else None


def open_requests_for(user: User, workspace: Workspace) -> QuerySet[ApprovalRequest]:
    """Open requests this person may see."""
    return requests_visible_to(user, workspace).filter(state=ApprovalRequest.State.OPEN)


def open_number_for(user: User, workspace: Workspace) -> int:
    """How many open requests this person may see."""
    theirs = _theirs(user, workspace)
    if theirs is None:
        return 0
    return (_OWN if theirs else _OPEN).all(workspace.pk, *theirs.values())[0][0]


def _open(**of: str) -> QuerySet[ApprovalRequest, tuple[int]]:
    return number_of(ApprovalRequest.objects.filter(state=ApprovalRequest.State.OPEN, **of))


_OPEN = Question(lambda workspace_id: _open(workspace=workspace_id))
_OWN = Question(lambda workspace_id, user_id: _open(workspace=workspace_id, requester=user_id))


def decidable_by(user: User, workspace: Workspace) -> list[ApprovalRequest]:
    """Open requests this person may decide now and did not put aside, most urgent first."""
    who = person_in(user, workspace)
    mine = [request for request in open_requests_for(user, workspace) if eligibility(user, request, who).may_decide]
    aside = snoozed_until(user, [request.pk for request in mine])
    return [request for request in mine if request.pk not in aside]


def get_request_for(user: User, request_id: str) -> ApprovalRequest:
    """One request in any workspace this person belongs to. Raises NotVisible."""
    found = ApprovalRequest.objects.select_related("workspace")
    request = found.filter(pk=request_id).first() if is_id("apr", request_id) else None
    if request is None or not requests_visible_to(user, request.workspace).filter(pk=request_id).exists():
        raise NotVisible("approval")
    return request


def get_request_for_agent(agent: Agent, request_id: str, *, person: User | None) -> ApprovalRequest:
    """One request about this agent's own action; with a person's token (`person`) one for them. Raises NotVisible."""
    found = ApprovalRequest.objects.filter(agent=agent)
    found = found.filter(requester=person) if person else found
    request = found.filter(pk=request_id).first() if is_id("apr", request_id) else None
    if request is None:
        raise NotVisible("approval")
    return request


def is_with_agent(action_id: str) -> bool:
    """Whether a reviewer sent an action's request back, and its agent has not answered."""
    returned = ApprovalRequest.objects.filter(action_id=action_id, returned_at__isnull=False)
    return returned.filter(state=ApprovalRequest.State.OPEN).exists()


def names_of(step: Step, workspace: Workspace, taken: Collection[str] = ()) -> list[str]:
    """Names of the people who may decide a step, for the steps rail; of one who is away, who stands in until when.

    `taken` are accounts of those who decided already.
    """
    people = User.objects.filter(memberships__workspace=workspace, is_active=True).exclude(pk__in=taken)
    in_group = Q(approver_groups__group__slug__in=step.groups, approver_groups__group__workspace=workspace)
    having = Q(pk__in=people_with(workspace.pk, step.attributes).values("pk"))
    found = dict(people.filter(in_group | having | Q(email__in=step.people)).values_list("pk", "name"))
    for away in delegations_now(workspace).filter(person__in=found).exclude(delegate__in=taken):
        found[away.person_id] = (
            f"{away.delegate.name} for {away.person.name}, away until {away.ends_at:%-d %b %H:%M} UTC"
        )
    return sorted(set(found.values()))


def group_title(slug: str, workspace: Workspace) -> str:
    """A group as people call it; its slug where it is gone."""
    found = Group.objects.filter(workspace=workspace, slug=slug).values_list("name", flat=True).first()
    return found or slug
