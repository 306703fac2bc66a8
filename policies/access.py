"""Who may see which policy. Absent and forbidden look alike."""

from django.db.models import QuerySet

from accounts.access import NotVisible, has_permission
from accounts.models import User, Workspace
from accounts.permissions import Permission
from policies.models import Policy


def policies_visible_to(user: User, workspace: Workspace) -> QuerySet[Policy]:
    """Policies of a workspace for those who may read them."""
    if has_permission(user, Permission.POLICY_VIEW, workspace):
        return Policy.objects.filter(workspace=workspace)
    return Policy.objects.none()


def get_policy_for(user: User, workspace: Workspace, slug: str) -> Policy:
    """One policy of the workspace. Raises NotVisible."""
    found = policies_visible_to(user, workspace).filter(slug=slug).first()
    if found is None:
        raise NotVisible("policy")
    return found
