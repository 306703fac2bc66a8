"""Consents: given at the authorization page, exchanged once, refreshed for some hours, ended at once. Each is in the ledger.

INVARIANT: a code or refresh token gives tokens once, and its second use ends all that came of it, under one lock of the consent.
Held by tests/gateway/test_consent_tokens.py and tests/faults/test_consent_races.py.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.access import REFRESH_PREFIX, NotVisible, belongs, token_digest
from accounts.actors import Actor, actor_for_agent, actor_for_user
from accounts.acts import record_act, told_agent, told_person
from accounts.clock import database_now
from accounts.consents.clients import client_shown
from accounts.held import hold_rights
from accounts.ids import is_id
from accounts.models import Agent, AgentClient, Consent, ConsentRefresh, PersonToken, User
from accounts.person_tokens import end_person_tokens, issue_person_token, reach_for

CODE_LIFE = timedelta(seconds=60)
# A working day. Then the person is asked again; nothing prolongs it.
LIFE = timedelta(hours=8)
WHOLE = ("agent__workspace", "agent__owner", "client__application", "person")


class ConsentRefused(Exception):
    """What was shown can't be allowed any more."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the person read and allowed."""

    audience: str
    scopes: str
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token and the refresh token that asks for the next, each told once."""

    access: str
    refresh: str
    token: PersonToken


def can_be_asked(client: AgentClient, person: User) -> bool:
    """Whether this person could let the client's agent act for them: a member of its workspace."""
    return belongs(person, client.agent.workspace_id)


def give_consent(*, client: AgentClient, person: User, terms: Terms, code: str) -> Consent:
    """The person's yes to exactly these terms; the code is told once and stored as a digest. Raises ConsentRefused."""
    shown, agent = client_shown(client), client.agent
    with transaction.atomic():
        hold_rights(workspace_id=agent.workspace_id, agent_id=agent.pk, people=[person.pk], token_id=None)
        person.refresh_from_db()
        gone = not AgentClient.objects.filter(pk=client.pk).exists()
        if (
            gone
            or not _stands(agent, person)
            or reach_for(client=client, person=person, asked=terms.scopes) != terms.scopes
        ):
            raise ConsentRefused
        now = database_now()
        made = Consent.objects.create(
            agent=agent, client=client, client_name=shown.name, client_host=shown.host, person=person,
            audience=terms.audience, scopes=terms.scopes, redirect_uri=terms.redirect_uri, challenge=terms.challenge,
            code_digest=token_digest(code), code_expires_at=now + CODE_LIFE, given_at=now, expires_at=now + LIFE,
        )  # fmt: skip
        more = {"audience": made.audience, "scopes": made.scopes, "redirect": made.redirect_uri}
        more |= {"expires_at": made.expires_at.isoformat()}
        _record(actor_for_user(person, agent.workspace), made, "consent.given", more)
    return made


def _stands(agent: Agent, person: User) -> bool:
    state = Agent.objects.values_list("state", flat=True).get(pk=agent.pk)
    return state != Agent.State.DISABLED and belongs(person, agent.workspace_id)


def consent_by_code(client: AgentClient, code: str) -> Consent | None:
    """The living consent of a code that was not exchanged yet, locked until the caller's transaction ends."""
    found = _locked(client=client, code_digest=token_digest(code))
    if found is not None and found.code_used_at is not None:
        end_consent(actor=actor_for_agent(found.agent), consent=found, why="its code was shown twice")
        return None
    return found if found is not None and database_now() < found.code_expires_at and _living(found) else None


def consent_by_refresh(client: AgentClient, token: str) -> Consent | None:
    """The living consent of a refresh token, used up by looking, locked until the caller's transaction ends."""
    digest = token_digest(token)
    found = _locked(client=client, refreshes__digest=digest)
    if found is None or not _living(found):
        return None
    unused = ConsentRefresh.objects.filter(consent=found, digest=digest, used_at=None)
    if unused.update(used_at=database_now()):
        return found
    end_consent(actor=actor_for_agent(found.agent), consent=found, why="a refresh token was shown twice")
    return None


def _locked(**which: Any) -> Consent | None:
    return Consent.objects.select_for_update(of=("self",)).select_related(*WHOLE).filter(**which).first()


def _living(consent: Consent) -> bool:
    over = consent.ended_at is not None or database_now() >= consent.expires_at
    return not over and _stands(consent.agent, consent.person)


def may_now(consent: Consent) -> str:
    """What of it the client and the person may still, as a scope; "" for nothing."""
    assert consent.client is not None  # Found by its client.  # noqa: S101
    return reach_for(client=consent.client, person=consent.person, asked=consent.scopes)


def issue_tokens(*, consent: Consent, scopes: str) -> Issued:
    """An access token like any that acts for a person, and the next refresh token. In the transaction that locked the consent.

    Earlier access tokens go on for their minutes: what was asked with one and waits for people stands as long as the consent.
    """
    assert consent.client is not None  # noqa: S101
    refresh = f"{REFRESH_PREFIX}_{secrets.token_urlsafe(32)}"
    now = database_now()
    Consent.objects.filter(pk=consent.pk, code_used_at=None).update(code_used_at=now)
    ConsentRefresh.objects.create(consent=consent, digest=token_digest(refresh), issued_at=now)
    access, token = issue_person_token(
        actor=actor_for_agent(consent.agent), client=consent.client, person=consent.person, audience=consent.audience,
        scopes=scopes, not_after=consent.expires_at, consent=consent,
    )  # fmt: skip
    return Issued(access, refresh, token)


def end_consent(*, actor: Actor, consent: Consent, why: str) -> None:
    """Refuse its tokens from the next request on, and what was proposed with one and has not run yet. Safe to repeat."""
    with transaction.atomic():
        if Consent.objects.filter(pk=consent.pk, ended_at=None).update(ended_at=database_now()):
            end_person_tokens(consent=consent)
            _record(actor, consent, "consent.ended", {"why": why})


def end_by_refresh(client: AgentClient, token: str) -> None:
    """The client signs itself out (RFC 7009): all that came of the consent ends."""
    found = Consent.objects.select_related(*WHOLE).filter(client=client, refreshes__digest=token_digest(token)).first()
    if found is not None:
        end_consent(actor=actor_for_agent(client.agent), consent=found, why="its client signed out")


def living_consents() -> QuerySet[Consent]:
    """Those that give or may still give tokens."""
    now = database_now()
    begun = Q(code_used_at__isnull=False) | Q(code_expires_at__gt=now)
    return Consent.objects.filter(begun, ended_at=None, expires_at__gt=now).select_related(*WHOLE)


def get_consent_of(person: User, consent_id: str) -> Consent:
    """One that this person gave. Raises NotVisible."""
    return _one(consent_id, person=person)


def get_consent_of_agent(agent: Agent, consent_id: str) -> Consent:
    """One that lets this agent act. Raises NotVisible."""
    return _one(consent_id, agent=agent)


def _one(consent_id: str, **whose: Any) -> Consent:
    known = Consent.objects.select_related(*WHOLE).filter(**whose)
    found = known.filter(pk=consent_id).first() if is_id("cns", consent_id) else None
    if found is None:
        raise NotVisible("consent")
    return found


def _record(actor: Actor, consent: Consent, type: str, more: dict[str, Any]) -> None:
    """By its id; no code, token or digest stands in the ledger."""
    body = {"agent": told_agent(consent.agent), "person": told_person(consent.person), "consent": consent.pk}
    body |= {"client": {"name": consent.client_name, "host": consent.client_host}}
    record_act(actor=actor, workspace_id=consent.agent.workspace_id, type=type, body={**body, **more})
