"""Verbs on people, workspaces and agents. Grants follow memberships in the same transaction.

Writes no ledger rows: the ledger belongs to a higher layer, which these verbs must not import.
"""

import secrets
from datetime import timedelta
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F

from accounts.access import TOKEN_PREFIX, token_digest
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.grants import sync_grants
from accounts.models import Agent, AgentCredential, Group, GroupMembership, Membership, User, Workspace
from accounts.permissions import Role

TOKEN_DAYS = 90
TOKEN_DAYS_MOST = 366
Made = TypeVar("Made", bound=models.Model)


class AccountRefused(ValueError):
    """Something that cannot be done. `field` names the input at fault; the sentence says what to do instead."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


def create_workspace(*, actor: Actor, slug: str, name: str, environment: str, is_sample: bool = False) -> Workspace:
    """A new tenant. Raises AccountRefused."""
    return _made(Workspace(slug=slug, name=name, environment=environment, is_sample=is_sample))


def create_user(*, actor: Actor, email: str, name: str, password: str | None = None) -> User:
    """A person; without a password they can only sign in by OIDC, once an identity is linked. Raises AccountRefused."""
    user = User(email=email.strip().lower(), name=name)
    user.set_password(password)
    return _made(user)


def create_user_from_identity(*, actor: Actor, issuer: str, subject: str, email: str, name: str) -> User:
    """A person first met at the identity provider, with no role yet. Raises AccountRefused, also when the email is taken."""
    user = User(email=email.strip().lower(), name=name, issuer=issuer, subject=subject)
    user.set_unusable_password()
    return _made(user)


def link_identity(*, actor: Actor, user: User, issuer: str, subject: str) -> None:
    """Let an existing person sign in by OIDC. A deliberate act of an administrator, never done by email (R-10, R-12).

    Raises AccountRefused when the person has an identity already, or the identity has a person.
    """
    if user.issuer is not None:
        raise AccountRefused("user", f"{user.name} already signs in by OIDC. Create another person instead.")
    user.issuer, user.subject = issuer, subject
    _saved(user, update_fields=["issuer", "subject"])


def _made(made: Made) -> Made:
    """Saved as a new row."""
    _saved(made, force_insert=True)
    return made


def _saved(made: models.Model, **how: Any) -> None:
    """Checked by the model's own rules, then saved. Raises AccountRefused with the first thing wrong."""
    try:
        made.full_clean()
        with transaction.atomic():
            made.save(**how)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        text = " ".join(sentences)
        raise AccountRefused(field, text if field == NON_FIELD_ERRORS else f"{field}: {text}") from error
    except IntegrityError as error:
        raise AccountRefused(NON_FIELD_ERRORS, "Somebody made the same at this moment. Look again.") from error


def add_member(*, actor: Actor, workspace: Workspace, user: User, role: Role) -> None:
    """Give a role. Safe to repeat."""
    with transaction.atomic():
        Membership.objects.get_or_create(user=user, workspace=workspace, role=role.value)
        sync_grants(user, workspace)


def remove_member(*, actor: Actor, workspace: Workspace, user: User, role: Role) -> None:
    """Take a role away; its grants go in the same transaction, so the next check already refuses (V8.3.2).

    With the last role go the approver groups of the workspace (R-24).
    """
    with transaction.atomic():
        roles = Membership.objects.filter(user=user, workspace=workspace)
        roles.filter(role=role.value).delete()
        sync_grants(user, workspace)
        if not roles.exists():
            GroupMembership.objects.filter(user=user, group__workspace=workspace).delete()


def deactivate_user(*, actor: Actor, user: User) -> None:
    """End a person's access: their sessions die for good and their votes no longer count (V7.4.2)."""
    User.objects.filter(pk=user.pk).update(is_active=False, session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["is_active", "session_epoch"])


def create_group(*, actor: Actor, workspace: Workspace, slug: str, name: str) -> Group:
    """An approver group. Raises AccountRefused."""
    return _made(Group(workspace=workspace, slug=slug, name=name))


def join_group(*, actor: Actor, group: Group, user: User) -> None:
    """Add a person from now on. Raises AccountRefused for people of other workspaces (R-15)."""
    _require_member("user", user, group.workspace)
    GroupMembership.objects.get_or_create(group=group, user=user, defaults={"joined_at": database_now()})


def leave_group(*, actor: Actor, group: Group, user: User) -> None:
    """Remove a person; votes they gave and that have not run yet no longer count (R-24)."""
    GroupMembership.objects.filter(group=group, user=user).delete()


def _require_member(field: str, user: User, workspace: Workspace) -> None:
    if not Membership.objects.filter(user=user, workspace=workspace).exists():
        raise AccountRefused(field, f"{user.name} has no role in {workspace.name}. Give a role first.")


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
    """A new agent principal, owned by a person of the same workspace. Raises AccountRefused."""
    _require_member("owner", owner, workspace)
    return _made(
        Agent(workspace=workspace, slug=slug, name=name, owner=owner, policy=policy, role=role, runbook_url=runbook_url)
    )


def issue_agent_token(*, actor: Actor, agent: Agent, days: int = TOKEN_DAYS) -> str:
    """A new bearer token, returned once; only its digest is stored. Raises AccountRefused."""
    if not 1 <= days <= TOKEN_DAYS_MOST:
        raise AccountRefused("days", f"A token may live from 1 to {TOKEN_DAYS_MOST} days, not {days}.")
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
