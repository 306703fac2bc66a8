"""Keeps guardian's object grants equal to memberships. Nothing else writes grants."""

from typing import Any

from django.db import transaction
from guardian.shortcuts import assign_perm, get_user_perms, remove_perm

from accounts.models import Membership, User, Workspace
from accounts.permissions import ROLE_PERMISSIONS, Role


def sync_grants(user: User, workspace: Workspace) -> None:
    """Make the person's object grants in one workspace equal the union of their roles. Call inside a transaction.

    The lock makes changes of one person's roles wait for each other, so that none writes grants from an older view.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    roles = Membership.objects.filter(user=user, workspace=workspace).values_list("role", flat=True)
    wanted = {permission.value for role in roles for permission in ROLE_PERMISSIONS[Role(role)]}
    held = set(get_user_perms(user, workspace))
    for codename in wanted - held:
        assign_perm(codename, user, workspace)
    for codename in held - wanted:
        remove_perm(codename, user, workspace)


def follow_roles(sender: object, **kwargs: Any) -> None:
    """After each migration: a release that gives or takes a permission of a role does so for everyone who has the role.

    Runs for guardian's own turn, when the tables and the permission rows of this app exist.
    """
    try:
        kwargs["apps"].get_model("accounts", "Membership")
    except LookupError:
        return  # The tables of this app are not made yet, or are gone.
    with transaction.atomic():
        pairs = Membership.objects.order_by("user_id").values_list("user_id", "workspace_id").distinct()
        for user_id, workspace_id in pairs:
            sync_grants(User.objects.get(pk=user_id), Workspace.objects.get(pk=workspace_id))
