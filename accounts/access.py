"""Who may see and do what. Object grants live in guardian; every failure is a refusal, never a pass (P5)."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now
from guardian.models import GroupObjectPermission, UserObjectPermission
from oauth2_provider.models import AccessToken

from accounts.actors import Caller
from accounts.clock import DatabaseNow, database_now
from accounts.ids import is_id
from accounts.models import Agent, AgentCredential, Delegation, Membership, PersonToken, User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question
from accounts.scopes import WORDS, effects_of, scope_of

# The public parts of tokens, not secrets: an agent's own, one by which it acts for a person, and one that asks for the next.
TOKEN_PREFIX, PERSON_PREFIX, REFRESH_PREFIX = "rmt", "rmp", "rmr"
USE_NOTED_EVERY = timedelta(minutes=1)
UNKNOWN = "This agent token is not known here. Check that it was copied whole."
_TOKEN = re.compile(r"rm[tp]_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class NotVisible(Exception):
    """The object does not exist for this person: answered as 404, whether absent or forbidden."""


class Forbidden(Exception):
    """The person may see the workspace but not do this in it: answered as 403 with who can give access."""

    def __init__(self, permission: Permission, workspace: Workspace) -> None:
        self.permission, self.workspace = permission, workspace
        super().__init__(f"{permission.value} is not granted in {workspace.name}.")


class AgentAuthFailed(Exception):
    """An agent token that was refused. `kind` is stable: unknown-token, expired-token, revoked-token,
    wrong-audience, agent-disabled, person-gone.
    """

    def __init__(self, kind: str, sentence: str) -> None:
        self.kind = kind
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class _Read:
    """What one page asks again and again, as it was read for it: grants by person and workspace, and a person's workspaces."""

    grants: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    workspaces: dict[str, list[Workspace]] = field(default_factory=dict)


_read: ContextVar[_Read | None] = ContextVar("grants_read", default=None)


@contextmanager
def grants_read_once() -> Iterator[None]:
    """Until the end of the block a person's grants in a workspace, and where they belong, are read once. For one request that
    changes nothing.

    INVARIANT: what changes something reads every grant at that moment. Held by tests/accounts/test_grants_read_once.py.
    """
    token = _read.set(_Read())
    try:
        yield
    finally:
        _read.reset(token)


def has_permission(user: User, permission: Permission, workspace: Workspace) -> bool:
    """Whether this person holds the permission on this workspace now."""
    if not user.is_active:
        return False
    if _read.get() is None:
        return bool(user.has_perm(f"accounts.{permission.value}", workspace))
    return permission.value in _grants(user, workspace)


def _grants(user: User, workspace: Workspace) -> frozenset[str]:
    """All grants of an active person in a workspace: as they were read for this page, or else now."""
    read = _read.get()
    key = (user.pk, workspace.pk)
    if read is not None and key in read.grants:
        return read.grants[key]
    found = frozenset(codename for (codename,) in _GRANTS.all(*key))
    if read is not None:
        read.grants[key] = found
    return found


def _of_grants(user_id: str, workspace_id: str) -> QuerySet[Any, tuple[str]]:
    """INVARIANT: as guardian's own checker has them, of the person and of their groups. Held by
    tests/accounts/test_grants_read_once.py.
    """
    of_workspace = {
        "object_pk": workspace_id,
        "content_type__app_label": "accounts",
        "content_type__model": "workspace",
    }
    mine = UserObjectPermission.objects.filter(user=user_id, **of_workspace)
    theirs = GroupObjectPermission.objects.filter(group__user=user_id, **of_workspace)
    return mine.values_list("permission__codename").union(theirs.values_list("permission__codename"))


_GRANTS = Question(_of_grants)


def permissions_of(user: User, workspace: Workspace) -> frozenset[Permission]:
    """All that this person holds on this workspace now, asked once: for a page that offers many things."""
    held = _grants(user, workspace) if user.is_active else frozenset()
    return frozenset(permission for permission in Permission if permission.value in held)


def workspaces_visible_to(user: User) -> QuerySet[Workspace]:
    """Workspaces this person belongs to, by name."""
    return _workspaces_of(user.pk)


def _workspaces_of(user_id: str) -> QuerySet[Workspace]:
    return Workspace.objects.filter(memberships__user=user_id).distinct().order_by("name")


_WORKSPACES = Question(_workspaces_of)


def workspaces_of(user: User) -> list[Workspace]:
    """The same at once: for what every page asks."""
    read = _read.get()
    if read is not None and user.pk in read.workspaces:
        return read.workspaces[user.pk]
    found = _WORKSPACES.all(user.pk)
    if read is not None:
        read.workspaces[user.pk] = found
    return found


def require(user: User, permission: Permission, workspace: Workspace) -> None:
    """Raises Forbidden when the person sees the workspace but lacks the permission, NotVisible when they do not see it."""
    if has_permission(user, permission, workspace):
        return
    if workspaces_visible_to(user).filter(pk=workspace.pk).exists():
        raise Forbidden(permission, workspace)
    raise NotVisible("workspace")


def agents_visible_to(user: User, workspace: Workspace) -> QuerySet[Agent]:
    """Agents of a workspace for those who may see them, with their owners."""
    if has_permission(user, Permission.AGENT_VIEW, workspace):
        return Agent.objects.filter(workspace=workspace).select_related("owner", "workspace")
    return Agent.objects.none()


def get_agent_for(user: User, agent_id: str) -> Agent:
    """One agent in any workspace this person belongs to. Raises NotVisible."""
    found = Agent.objects.select_related("workspace").filter(pk=agent_id).first() if is_id("agt", agent_id) else None
    visible = agents_visible_to(user, found.workspace).filter(pk=found.pk).first() if found else None
    if visible is None:
        raise NotVisible("agent")
    return visible


def token_digest(token: str) -> str:
    """What is stored of a token. It has 256 random bits, so a plain SHA-256 suffices."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def authenticate_agent(token: str, *, audience: str) -> Caller:
    """Who calls, by a bearer token. Raises AgentAuthFailed; a database error propagates, so nothing falls open.

    An agent's own token opens every surface. A token of the token endpoint opens the one it was asked for: `audience`
    (M-02, M-03). Looked up at each call, so that a revoked token is refused at the next one.
    """
    if token.startswith(f"{TOKEN_PREFIX}_"):
        return Caller(_by_credential(token))
    return _by_person(token, audience) if token.startswith(f"{PERSON_PREFIX}_") else _by_oauth(token, audience)


def _by_oauth(token: str, audience: str) -> Caller:
    whole = ("application__agent_client__agent__owner", "application__agent_client__agent__workspace")
    known = AccessToken.objects.select_related(*whole)
    found = known.filter(token_checksum=token_digest(token), user=None).first()
    if found is None or not hasattr(found.application, "agent_client"):
        raise AgentAuthFailed("unknown-token", UNKNOWN)
    if database_now() >= found.expires:
        raise AgentAuthFailed("expired-token", "This token expired. Ask the token endpoint for another.")
    # A scope of a library's token that is none any more reaches nothing, and is no error of the server either.
    reach = scope_of(effects_of(" ".join(word for word in found.scope.split() if word in WORDS)))
    if audience not in found.resource or not reach:
        raise _wrong_audience(audience)
    return Caller(_able(found.application.agent_client.agent), reach)


def _wrong_audience(audience: str) -> AgentAuthFailed:
    sentence = f"This token is not for this address. Ask the token endpoint for one with resource={audience}."
    return AgentAuthFailed("wrong-audience", sentence)


def _by_person(token: str, audience: str) -> Caller:
    """An agent acting for a person, both as they stand now (A-03)."""
    found = _person_token(token)
    again = (
        "Exchange the person's token again." if found.consent_id is None else "Refresh it, or have them sign in again."
    )
    if found.revoked_at is not None or found.client_id is None:
        raise AgentAuthFailed("revoked-token", f"This token was revoked. {again}")
    if database_now() >= found.expires_at:
        raise AgentAuthFailed("expired-token", f"This token expired. {again}")
    if audience != found.audience:
        raise _wrong_audience(audience)
    if not belongs(found.person, found.agent.workspace_id):
        raise AgentAuthFailed("person-gone", f"{found.person.name} has no access to {found.agent.workspace.name} now.")
    return Caller(_able(found.agent), found.scopes, found)


def belongs(person: User, workspace_id: str) -> bool:
    """Whether an agent of the workspace can act for this person at all: active, and with a role there now."""
    return person.is_active and Membership.objects.filter(user=person, workspace_id=workspace_id).exists()


def _person_token(token: str) -> PersonToken:
    shape = _TOKEN.fullmatch(token)
    if shape is not None:
        known = PersonToken.objects.select_related("agent__workspace", "agent__owner", "person")
        found = known.filter(prefix=shape[1]).first()
        if found is not None and hmac.compare_digest(found.digest, token_digest(token)):
            return found
    raise AgentAuthFailed("unknown-token", UNKNOWN)


def _able(agent: Agent) -> Agent:
    if agent.state == Agent.State.DISABLED:
        raise AgentAuthFailed("agent-disabled", f"{agent.name} is shut out. A workspace owner can let it in again.")
    return agent


def _by_credential(token: str) -> Agent:
    credential, now = _credential(token)
    if credential.revoked_at is not None:
        raise AgentAuthFailed("revoked-token", "This agent token was revoked. Ask the agent's owner for a new one.")
    if now >= credential.expires_at:
        raise AgentAuthFailed(
            "expired-token", f"This agent token expired at {credential.expires_at:%Y-%m-%d %H:%M} UTC. Issue a new one."
        )
    agent = _able(credential.agent)
    _note_use(credential, now)
    return agent


def _note_use(credential: AgentCredential, now: datetime) -> None:
    """At most once a minute, so that a busy agent does not rewrite one row at each call."""
    if credential.last_used_at is None or now - credential.last_used_at >= USE_NOTED_EVERY:
        AgentCredential.objects.filter(pk=credential.pk).update(last_used_at=now)


_CREDENTIAL = Question(
    lambda prefix: (
        AgentCredential.objects.select_related("agent__workspace", "agent__owner")
        .filter(prefix=prefix)
        .annotate(asked_at=DatabaseNow())
    )
)


def _credential(token: str) -> tuple[AgentCredential, datetime]:
    """The credential, and when it was read. Raises AgentAuthFailed."""
    shape = _TOKEN.fullmatch(token)
    if shape is not None:
        found = _CREDENTIAL.first(shape[1])
        if found is not None and hmac.compare_digest(found.digest, token_digest(token)):
            return found, found.asked_at
    raise AgentAuthFailed("unknown-token", UNKNOWN)


def delegations_now(workspace: Workspace) -> QuerySet[Delegation]:
    """Who stands in for whom in a workspace at this instant, on the database's clock."""
    found = Delegation.objects.filter(workspace=workspace, revoked_at=None, starts_at__lte=Now(), ends_at__gt=Now())
    return found.select_related("person", "delegate")


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


class NotThisPerson(Exception):
    """A call names a person it can't be for. `kind` is stable: no-such-person, other-person."""

    def __init__(self, kind: str, sentence: str) -> None:
        self.kind = kind
        super().__init__(sentence)


def person_for(caller: Caller, named: str) -> User:
    """Whom a call is for: the token's person, else the active member the agent names by email or id. Raises NotThisPerson.

    INVARIANT: under a person's token nothing an agent writes makes it anybody else. Held by tests/gateway/test_for_a_person.py.
    """
    person = caller.person
    if person is None:
        try:
            return member_of(caller.agent.workspace_id, named)
        except NotVisible as error:
            detail = "on_behalf_of is no active person of this workspace. Send the email or id of one."
            raise NotThisPerson("no-such-person", detail) from error
    if named.strip() and named.strip().lower() not in {person.email, person.pk.lower()}:
        detail = "The token is of another person than on_behalf_of. Leave it out, or ask with that person's token."
        raise NotThisPerson("other-person", detail)
    return person
