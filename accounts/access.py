"""Who may see and do what. Object grants live in guardian; every failure is a refusal, never a pass (P5)."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.clock import database_now
from accounts.ids import is_id
from accounts.models import Agent, AgentCredential, User, Workspace
from accounts.permissions import Permission

TOKEN_PREFIX = "rmt"  # noqa: S105 - the public part of a token, not a secret
USE_NOTED_EVERY = timedelta(minutes=1)
_TOKEN = re.compile(r"rmt_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class NotVisible(Exception):
    """The object does not exist for this person: answered as 404, whether absent or forbidden."""


class Forbidden(Exception):
    """The person may see the workspace but not do this in it: answered as 403 with who can give access."""

    def __init__(self, permission: Permission, workspace: Workspace) -> None:
        self.permission, self.workspace = permission, workspace
        super().__init__(f"{permission.value} is not granted in {workspace.name}.")


class AgentAuthFailed(Exception):
    """An agent token that was refused. `kind` is stable: unknown-token, expired-token, revoked-token, agent-disabled."""

    def __init__(self, kind: str, sentence: str) -> None:
        self.kind = kind
        super().__init__(sentence)


def has_permission(user: User, permission: Permission, workspace: Workspace) -> bool:
    """Whether this person holds the permission on this workspace now."""
    return bool(user.is_active and user.has_perm(f"accounts.{permission.value}", workspace))


def workspaces_visible_to(user: User) -> QuerySet[Workspace]:
    """Workspaces this person belongs to, by name."""
    return Workspace.objects.filter(memberships__user=user).distinct().order_by("name")


def require(user: User, permission: Permission, workspace: Workspace) -> None:
    """Raises Forbidden when the person sees the workspace but lacks the permission, NotVisible when they do not see it."""
    if has_permission(user, permission, workspace):
        return
    if workspaces_visible_to(user).filter(pk=workspace.pk).exists():
        raise Forbidden(permission, workspace)
    raise NotVisible("workspace")


def token_digest(token: str) -> str:
    """What is stored of a token. It has 256 random bits, so a plain SHA-256 suffices."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def authenticate_agent(token: str) -> Agent:
    """The agent a bearer token belongs to. Raises AgentAuthFailed; a database error propagates, so nothing falls open."""
    credential = _credential(token)
    now = database_now()
    if credential.revoked_at is not None:
        raise AgentAuthFailed("revoked-token", "This agent token was revoked. Ask the agent's owner for a new one.")
    if now >= credential.expires_at:
        raise AgentAuthFailed(
            "expired-token", f"This agent token expired at {credential.expires_at:%Y-%m-%d %H:%M} UTC. Issue a new one."
        )
    agent = credential.agent
    if agent.state == Agent.State.DISABLED:
        raise AgentAuthFailed("agent-disabled", f"{agent.name} is disabled. A workspace owner can enable it.")
    _note_use(credential, now)
    return agent


def _note_use(credential: AgentCredential, now: datetime) -> None:
    """At most once a minute, so that a busy agent does not rewrite one row at each call."""
    if credential.last_used_at is None or now - credential.last_used_at >= USE_NOTED_EVERY:
        AgentCredential.objects.filter(pk=credential.pk).update(last_used_at=now)


def _credential(token: str) -> AgentCredential:
    shape = _TOKEN.fullmatch(token)
    if shape is not None:
        known = AgentCredential.objects.select_related("agent__workspace", "agent__owner")
        found = known.filter(prefix=shape[1]).first()
        if found is not None and hmac.compare_digest(found.digest, token_digest(token)):
            return found
    raise AgentAuthFailed("unknown-token", "This agent token is not known here. Check that it was copied whole.")


def member_of(workspace_id: str, email_or_id: str) -> User:
    """An active person of a workspace by email or id. Raises NotVisible."""
    people = User.objects.filter(memberships__workspace_id=workspace_id, is_active=True).distinct()
    wanted = email_or_id.strip()
    found = None
    if wanted.isprintable():  # PostgreSQL has no text with NUL; such a name is nobody's.
        found = (
            people.filter(pk=wanted).first() if is_id("usr", wanted) else people.filter(email=wanted.lower()).first()
        )
    if found is None:
        raise NotVisible("person")
    return found
