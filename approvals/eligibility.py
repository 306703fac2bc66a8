"""Who may decide a step: group, time of joining, separation of duties (R-24). Used by the page and by the service."""

from dataclasses import dataclass

from accounts.access import has_permission
from accounts.models import GroupMembership, User
from accounts.permissions import Permission
from approvals.models import ApprovalRequest, Verdict


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a person may decide now; `reason` is the sentence shown to them when not."""

    may_decide: bool
    reason: str = ""


def eligibility(user: User, request: ApprovalRequest) -> Eligibility:
    """Whether `user` may decide the current step of `request`. Any doubt is a no."""
    for rule in (_settled, _excluded, _already_decided, _entitled):
        reason = rule(user, request)
        if reason:
            return Eligibility(False, reason)
    return Eligibility(True)


def _settled(user: User, request: ApprovalRequest) -> str:
    return "" if request.is_open else f"This request was {request.state}."


def _excluded(user: User, request: ApprovalRequest) -> str:
    return str(request.excluded.get(user.pk, ""))


def _already_decided(user: User, request: ApprovalRequest) -> str:
    mine = Verdict.objects.filter(request=request, user=user, void=False).first()
    if mine is None:
        return ""
    waiting_for = request.current_step["name"]
    return f"You {_past(mine.choice)} step {mine.step}. Waiting for {waiting_for}."


def _past(choice: str) -> str:
    return {"approve": "approved", "reject": "rejected"}[choice]


def _entitled(user: User, request: ApprovalRequest) -> str:
    if request.kind == ApprovalRequest.Kind.DRAFT and user.pk == request.requester_id:
        return ""
    if not has_permission(user, Permission.APPROVAL_DECIDE, request.workspace):
        return "Deciding needs the Reviewer role. A workspace owner can grant it."
    return _in_group(user, request)


def _in_group(user: User, request: ApprovalRequest) -> str:
    group = request.current_step["group"]
    if not group:
        return ""
    membership = GroupMembership.objects.filter(
        group__workspace=request.workspace, group__slug=group, user=user
    ).first()
    if membership is None:
        return f"Step {request.step} is decided by {request.current_step['name']}."
    if membership.joined_at > request.created_at:
        return f"You joined {request.current_step['name']} after this was proposed, so someone else decides it."
    return ""
