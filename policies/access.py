"""Who may see which policy, version and draft. Absent and forbidden look alike."""

from django.db.models import QuerySet

from accounts.access import NotVisible, has_permission
from accounts.models import User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question, number_of
from policies.models import Policy, PolicyDraft, PolicyVersion

# A draft in one of these can still be edited, published or discarded; a policy has at most one.
OPEN_STATES = (PolicyDraft.State.OPEN, PolicyDraft.State.PROPOSED, PolicyDraft.State.SCHEDULED)


def policies_visible_to(user: User, workspace: Workspace) -> QuerySet[Policy]:
    """Policies of a workspace for those who may read them."""
    if has_permission(user, Permission.POLICY_VIEW, workspace):
        return Policy.objects.filter(workspace=workspace)
    return Policy.objects.none()


def get_policy_for(user: User, workspace: Workspace, slug: str) -> Policy:
    """One policy of the workspace. Raises NotVisible."""
    found = policies_visible_to(user, workspace).select_related("workspace").filter(slug=slug).first()
    if found is None:
        raise NotVisible("policy")
    return found


def get_version_for(user: User, workspace: Workspace, slug: str, number: int) -> PolicyVersion:
    """One version of a policy of the workspace. Raises NotVisible."""
    policy = get_policy_for(user, workspace, slug)
    found = policy.versions.select_related("policy").filter(number=number).first()
    if found is None:
        raise NotVisible("policy version")
    return found


def open_draft_of(policy: Policy) -> PolicyDraft | None:
    """The one draft of a policy that is not closed; for those who may see the policy."""
    people = ("policy", "base", "created_by", "updated_by", "proposed_by", "approved_by")
    return policy.drafts.select_related(*people).filter(state__in=OPEN_STATES).first()


def drafts_visible_to(user: User, workspace: Workspace) -> QuerySet[PolicyDraft]:
    """Drafts that are not closed, for those who may read policies."""
    return PolicyDraft.objects.filter(policy__in=policies_visible_to(user, workspace), state__in=OPEN_STATES)


def draft_number_of(workspace: Workspace) -> int:
    """How many drafts of a workspace are not closed; for those who may read its policies."""
    return _DRAFTS.all(workspace.pk)[0][0]


_DRAFTS = Question(
    lambda workspace_id: number_of(PolicyDraft.objects.filter(policy__workspace=workspace_id, state__in=OPEN_STATES))
)


def proposals_for(user: User, workspace: Workspace) -> QuerySet[PolicyDraft]:
    """Drafts that wait for this person: a second policy admin, who neither asked nor edited last."""
    if not has_permission(user, Permission.POLICY_PUBLISH, workspace):
        return PolicyDraft.objects.none()
    asked = drafts_visible_to(user, workspace).filter(state=PolicyDraft.State.PROPOSED)
    return asked.exclude(proposed_by=user).exclude(updated_by=user).select_related("policy", "proposed_by")


def get_draft_for(user: User, workspace: Workspace, draft_id: str) -> PolicyDraft:
    """A draft, open or closed, of a policy of the workspace. Raises NotVisible."""
    people = ("policy__workspace", "base", "created_by", "updated_by", "proposed_by", "approved_by")
    drafts = PolicyDraft.objects.select_related(*people).filter(policy__in=policies_visible_to(user, workspace))
    found = drafts.filter(pk=draft_id).first() if draft_id.isprintable() else None
    if found is None:
        raise NotVisible("policy draft")
    return found
