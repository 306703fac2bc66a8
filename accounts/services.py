"""Verbs on people, workspaces and agents. Grants follow memberships in the same transaction.

Each leaves its ledger entry in the same transaction, through `accounts.acts`: the ledger belongs to a higher layer.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F
from oauth2_provider.generators import generate_client_id
from oauth2_provider.models import Application

from accounts.access import TOKEN_PREFIX, token_digest
from accounts.actors import Actor
from accounts.acts import record_act, record_everywhere, told_agent, told_person
from accounts.client_documents import LONGEST_NAME, DocumentRefused, checked_url
from accounts.clock import database_now
from accounts.consents.redirects import RedirectRefused, checked_redirect
from accounts.grants import sync_grants
from accounts.models import (
    Agent,
    AgentClient,
    AgentCredential,
    Group,
    GroupMembership,
    Membership,
    PersonAttribute,
    User,
    Workspace,
)
from accounts.permissions import Role
from accounts.person_tokens import end_acting
from accounts.scopes import AGENT, UnknownScope, effects_of, scope_of
from accounts.single import end_where_not_alone
from accounts.ways_in import lock_ways_in, note_one_given, note_one_gone

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
    with transaction.atomic():
        made = _made(Workspace(slug=slug, name=name, environment=environment, is_sample=is_sample))
        body = {"name": name, "slug": slug, "environment": environment, "is_sample": is_sample}
        record_act(actor=actor, workspace_id=made.pk, type="workspace.made", body=body)
    return made


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
    with transaction.atomic():
        _saved(user, update_fields=["issuer", "subject"])
        body = {"user": told_person(user), "issuer": issuer}
        record_everywhere(actor=actor, user=user, type="person.linked", body=body)


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
        _, is_new = Membership.objects.get_or_create(user=user, workspace=workspace, role=role.value)
        sync_grants(user, workspace)
        if is_new:
            body = {"user": told_person(user), "role": role.value}
            record_act(actor=actor, workspace_id=workspace.pk, type="member.added", body=body)
            end_where_not_alone(actor=actor, workspace=workspace)


def remove_member(*, actor: Actor, workspace: Workspace, user: User, role: Role) -> None:
    """Take a role away; its grants go in the same transaction, so the next check already refuses (V8.3.2).

    With the last role go the approver groups of the workspace, what is said of the person there (R-24), and the tokens
    agents hold of them there.
    """
    with transaction.atomic():
        roles = Membership.objects.filter(user=user, workspace=workspace)
        gone, _ = roles.filter(role=role.value).delete()
        sync_grants(user, workspace)
        if not roles.exists():
            GroupMembership.objects.filter(user=user, group__workspace=workspace).delete()
            PersonAttribute.objects.filter(user=user, workspace=workspace).delete()
            end_acting(person=user, agent__workspace=workspace)
        if gone:
            body = {"user": told_person(user), "role": role.value}
            record_act(actor=actor, workspace_id=workspace.pk, type="member.removed", body=body)


def deactivate_user(*, actor: Actor, user: User) -> None:
    """End a person's access: sessions and what agents hold of them die for good, their votes no longer count (V7.4.2)."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=False, session_epoch=F("session_epoch") + 1)
        end_acting(person=user)
        record_everywhere(actor=actor, user=user, type="person.deactivated", body={"user": told_person(user)})
    user.refresh_from_db(fields=["is_active", "session_epoch"])


def create_group(*, actor: Actor, workspace: Workspace, slug: str, name: str) -> Group:
    """An approver group. Raises AccountRefused."""
    with transaction.atomic():
        made = _made(Group(workspace=workspace, slug=slug, name=name))
        record_act(actor=actor, workspace_id=workspace.pk, type="group.made", body={"group": slug, "name": name})
    return made


def join_group(*, actor: Actor, group: Group, user: User) -> None:
    """Add a person from now on. Raises AccountRefused for people of other workspaces (R-15)."""
    require_member("user", user, group.workspace)
    with transaction.atomic():
        _, is_new = GroupMembership.objects.get_or_create(
            group=group, user=user, defaults={"joined_at": database_now()}
        )
        if is_new:
            _record_group(actor, group, user, "group.joined")


def leave_group(*, actor: Actor, group: Group, user: User) -> None:
    """Remove a person; votes they gave and that have not run yet no longer count (R-24)."""
    with transaction.atomic():
        gone, _ = GroupMembership.objects.filter(group=group, user=user).delete()
        if gone:
            _record_group(actor, group, user, "group.left")


def _record_group(actor: Actor, group: Group, user: User, type: str) -> None:
    body = {"user": told_person(user), "group": group.slug, "name": group.name}
    record_act(actor=actor, workspace_id=group.workspace_id, type=type, body=body)


def require_member(field: str, user: User, workspace: Workspace) -> None:
    """Raises AccountRefused for somebody without a role in the workspace (R-15)."""
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
    require_member("owner", owner, workspace)
    agent = Agent(
        workspace=workspace, slug=slug, name=name, owner=owner, policy=policy, role=role, runbook_url=runbook_url
    )
    with transaction.atomic():
        _made(agent)
        body = {"agent": told_agent(agent), "owner": told_person(owner), "policy": policy, "role": role}
        record_act(actor=actor, workspace_id=workspace.pk, type="agent.registered", body=body)
    return agent


def set_runbook(*, actor: Actor, agent: Agent, runbook_url: str) -> None:
    """Where people look when the agent misbehaves; "" for nowhere. Raises AccountRefused."""
    was, agent.runbook_url = agent.runbook_url, runbook_url.strip()
    if was == agent.runbook_url:
        return
    with transaction.atomic():
        _saved(agent, update_fields=["runbook_url"])
        body = {"agent": told_agent(agent), "was": {"runbook": was}, "now": {"runbook": agent.runbook_url}}
        record_act(actor=actor, workspace_id=agent.workspace_id, type="agent.changed", body=body)


def issue_agent_token(*, actor: Actor, agent: Agent, days: int = TOKEN_DAYS) -> str:
    """A new bearer token, returned once; only its digest is stored. Earlier ones go on, so that nothing stops while an
    agent changes over. Raises AccountRefused."""
    if not 1 <= days <= TOKEN_DAYS_MOST:
        raise AccountRefused("days", f"A token may live from 1 to {TOKEN_DAYS_MOST} days, not {days}.")
    prefix = secrets.token_hex(4)
    token = f"{TOKEN_PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        now = database_now()
        made = AgentCredential.objects.create(
            agent=agent, prefix=prefix, digest=token_digest(token), created_at=now,
            expires_at=now + timedelta(days=days),
        )  # fmt: skip
        note_one_given(agent)
        _record_token(actor, made, "agent_token.issued", {"days": days})
    return token


def issue_agent_client(*, actor: Actor, agent: Agent, scopes: str = AGENT) -> tuple[str, str]:
    """A new OAuth client of an agent: `(client id, secret)`. The secret is returned once and stored hashed.

    With them the agent asks /oauth/token/ for short tokens, each for one address and none beyond `scopes`. Earlier clients
    go on, so that nothing stops while an agent changes over. Raises AccountRefused.
    """
    secret = secrets.token_urlsafe(32)
    made = _made_client(actor, agent, scopes, client_id=generate_client_id(), secret=secret)
    return made.application.client_id, secret


def name_agent_client(
    *, actor: Actor, agent: Agent, url: str, scopes: str = AGENT, people: bool = False
) -> AgentClient:
    """A client of an agent that is named by the address of its metadata document. Nobody gets a secret: it signs what it asks,
    and a key is changed by changing the document. With `people` it gets tokens only by their signing in, whether it signs or
    not, and they are sent back to addresses the document names. Raises AccountRefused.
    """
    try:
        checked_url(url)
    except DocumentRefused as refused:
        raise AccountRefused("document", str(refused)) from refused
    if Application.objects.filter(client_id=url).exists():
        raise AccountRefused("document", "This address names a client already. Revoke that one first.")
    how = _FOR_PEOPLE if people else {}
    return _made_client(actor, agent, scopes, client_id=url, secret=secrets.token_urlsafe(32), **how)


def register_sign_in_client(
    *, actor: Actor, agent: Agent, name: str, redirects: Sequence[str], scopes: str = AGENT
) -> AgentClient:
    """A client without a secret, by which people sign in and let the agent act for them. Answers are sent to these addresses
    alone; the name is what people read. Raises AccountRefused."""
    told = name.strip()
    if not told or len(told) > LONGEST_NAME or not told.isprintable():
        raise AccountRefused("name", f"Name the client in one line of at most {LONGEST_NAME} characters.")
    if not redirects:
        raise AccountRefused("redirects", "Name an address that answers are sent to.")
    try:
        addresses = " ".join(checked_redirect(uri) for uri in redirects)
    except RedirectRefused as refused:
        raise AccountRefused("redirects", str(refused)) from refused
    more = {**_FOR_PEOPLE, "name": told, "redirect_uris": addresses}
    secret = secrets.token_urlsafe(32)  # Nobody learns it: the library wants one.
    return _made_client(actor, agent, scopes, client_id=generate_client_id(), secret=secret, **more)


_FOR_PEOPLE = {
    "client_type": Application.CLIENT_PUBLIC,
    "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
}


def _made_client(actor: Actor, agent: Agent, scopes: str, *, client_id: str, secret: str, **how: str) -> AgentClient:
    reach = _reach(scopes)
    kept = {
        "name": f"{agent.workspace.slug}/{agent.slug}",
        "client_type": Application.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": Application.GRANT_CLIENT_CREDENTIALS,
        **how,
    }
    with transaction.atomic():
        application = Application.objects.create(client_id=client_id, client_secret=secret, **kept)
        made = AgentClient.objects.create(agent=agent, application=application, created_at=database_now(), scopes=reach)
        note_one_given(agent)
        more = {"name": kept["name"], "redirects": how.get("redirect_uris", "").split()} if how else {}
        _record_client(actor, agent, client_id, "agent_client.issued", {"scopes": reach, **more})
    return made


def _reach(scopes: str) -> str:
    try:
        reach = scope_of(effects_of(scopes))
    except UnknownScope as error:
        raise AccountRefused("scopes", str(error)) from error
    if not reach:
        raise AccountRefused("scopes", "A client without scopes could ask for nothing.")
    return reach


def revoke_agent_client(*, actor: Actor, client: AgentClient) -> None:
    """End a client and every token it was given; the next request with one is refused. With the agent's last way in, nothing
    that it had asked for is sent either."""
    agent, client_id = client.agent, client.application.client_id
    with transaction.atomic():
        lock_ways_in(agent)
        end_acting(client=client)
        client.application.delete()
        _record_client(actor, agent, client_id, "agent_client.revoked", _last(agent))


def _record_client(actor: Actor, agent: Agent, client_id: str, type: str, more: dict[str, Any]) -> None:
    """By its public id; the secret stands nowhere."""
    body = {"agent": told_agent(agent), "client": client_id, **more}
    record_act(actor=actor, workspace_id=agent.workspace_id, type=type, body=body)


def revoke_agent_token(*, actor: Actor, credential: AgentCredential) -> None:
    """Refuse a token from the next request on. With the agent's last way in, nothing that it had asked for is sent either."""
    with transaction.atomic():
        lock_ways_in(credential.agent)
        living = AgentCredential.objects.filter(pk=credential.pk, revoked_at=None)
        if living.update(revoked_at=database_now()):
            _record_token(actor, credential, "agent_token.revoked", _last(credential.agent))


def _last(agent: Agent) -> dict[str, bool]:
    """What the ledger says of a revocation: whether it left the agent no way in."""
    return {"last": note_one_gone(agent)}


def _record_token(actor: Actor, credential: AgentCredential, type: str, more: dict[str, Any]) -> None:
    """A token is named by its public prefix; neither the token nor its digest stands in the ledger."""
    agent = credential.agent
    body = {"agent": told_agent(agent), "token": f"{TOKEN_PREFIX}_{credential.prefix}", **more}
    record_act(actor=actor, workspace_id=agent.workspace_id, type=type, body=body)


def set_agent_state(*, actor: Actor, agent: Agent, state: Agent.State, reason: str = "") -> None:
    """Pause an agent, shut it out or let it go on; holds before its next dispatch (P9). For one that was shut out people have to
    sign in anew.
    """
    with transaction.atomic():
        # A token that is just being made holds the agent's key, and this waits for its consent: neither waits for the other.
        was = (
            Agent.objects.select_for_update(of=("self",), no_key=True).values_list("state", flat=True).get(pk=agent.pk)
        )
        if was != state:
            Agent.objects.filter(pk=agent.pk).update(state=state)
            if state == Agent.State.DISABLED:
                end_acting(agent=agent)
            body: dict[str, Any] = {"agent": told_agent(agent), "was": {"state": was}, "now": {"state": str(state)}}
            body |= {"reason": reason} if reason else {}
            record_act(actor=actor, workspace_id=agent.workspace_id, type="agent.changed", body=body)
    agent.state = state
