"""Verbs on people, workspaces and agents. Guardian grants follow memberships in the same transaction."""

import secrets
from datetime import timedelta

from django.db import transaction
from guardian.shortcuts import assign_perm, get_perms, remove_perm

from accounts.access import TOKEN_PREFIX, token_digest
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Agent, AgentCredential, Group, GroupMembership, Membership, User, Workspace
from accounts.permissions import ROLE_PERMISSIONS, Role

TOKEN_DAYS = 90


def create_workspace(*, actor: Actor, slug: str, name: str, environment: str, is_sample: bool = False) -> Workspace:
    """A new tenant."""
    return Workspace.objects.create(slug=slug, name=name, environment=environment, is_sample=is_sample)


def create_user(*, actor: Actor, email: str, name: str, password: str | None = None) -> User:
    """A person; without a password they can only sign in by OIDC."""
    return User.objects.create_user(email=email, name=name, password=password)


def add_member(*, actor: Actor, workspace: Workspace, user: User, role: Role) -> None:
    """Give a role. Safe to repeat."""
    with transaction.atomic():
        Membership.objects.get_or_create(user=user, workspace=workspace, role=role.value)
        _sync_grants(user, workspace)


def remove_member(*, actor: Actor, workspace: Workspace, user: User, role: Role) -> None:
    """Take a role away; its grants go in the same transaction, so the next check already refuses (V8.3.2)."""
    with transaction.atomic():
        Membership.objects.filter(user=user, workspace=workspace, role=role.value).delete()
        _sync_grants(user, workspace)


def _sync_grants(user: User, workspace: Workspace) -> None:
    """Make the person's object grants equal the union of their roles."""
    roles = Membership.objects.filter(user=user, workspace=workspace).values_list("role", flat=True)
    wanted = {permission.value for role in roles for permission in ROLE_PERMISSIONS[Role(role)]}
    held = set(get_perms(user, workspace))
    for codename in wanted - held:
        assign_perm(codename, user, workspace)
    for codename in held - wanted:
        remove_perm(codename, user, workspace)


def deactivate_user(*, actor: Actor, user: User) -> None:
    """End a person's access: their sessions die at the next request and their votes no longer count (V7.4.2)."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False


def create_group(*, actor: Actor, workspace: Workspace, slug: str, name: str) -> Group:
    """An approver group."""
    return Group.objects.create(workspace=workspace, slug=slug, name=name)


def join_group(*, actor: Actor, group: Group, user: User) -> None:
    """Add a person from now on."""
    GroupMembership.objects.get_or_create(group=group, user=user, defaults={"joined_at": database_now()})


def leave_group(*, actor: Actor, group: Group, user: User) -> None:
    """Remove a person; votes they gave and that have not run yet no longer count (R-24)."""
    GroupMembership.objects.filter(group=group, user=user).delete()


def register_agent(
    *,
    actor: Actor,
    workspace: Workspace,
    slug: str,
    name: str,
    owner: User,
    policy: str,
    role: str,
    runbook_url: str = "",
) -> Agent:
    """A new agent principal."""
    return Agent.objects.create(
        workspace=workspace, slug=slug, name=name, owner=owner, policy=policy, role=role, runbook_url=runbook_url
    )


def issue_agent_token(*, actor: Actor, agent: Agent, days: int = TOKEN_DAYS) -> str:
    """A new bearer token, returned once; only its digest is stored."""
    prefix = secrets.token_hex(4)
    token = f"{TOKEN_PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    now = database_now()
    AgentCredential.objects.create(
        agent=agent, prefix=prefix, digest=token_digest(token), created_at=now, expires_at=now + timedelta(days=days)
    )
    return token


def revoke_agent_token(*, actor: Actor, credential: AgentCredential) -> None:
    """Refuse a token from the next request on."""
    AgentCredential.objects.filter(pk=credential.pk, revoked_at=None).update(revoked_at=database_now())


def set_agent_state(*, actor: Actor, agent: Agent, state: Agent.State) -> None:
    """Pause, resume or disable an agent; holds before its next dispatch (P9)."""
    Agent.objects.filter(pk=agent.pk).update(state=state)
    agent.state = state
