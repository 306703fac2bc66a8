"""Tokens by which agents act for people who proved who they are: given, looked up, ended. Each act is in the ledger."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.access import PERSON_PREFIX, token_digest
from accounts.actors import Actor
from accounts.acts import record_act, told_agent, told_person
from accounts.clock import database_now
from accounts.models import AgentClient, Consent, Membership, PersonToken, User
from accounts.permissions import effects_for
from accounts.scopes import effects_of, scope_of

LONGEST = timedelta(seconds=300)


def reach_for(*, client: AgentClient, person: User, asked: str) -> str:
    """What is asked, what the client may and what the person may, together; "" for nothing (A-03). Raises UnknownScope."""
    roles = Membership.objects.filter(user=person, workspace_id=client.agent.workspace_id).values_list(
        "role", flat=True
    )
    return scope_of(effects_of(asked) & effects_of(client.scopes) & effects_for(roles))


def issue_person_token(
    *,
    actor: Actor,
    client: AgentClient,
    person: User,
    audience: str,
    scopes: str,
    not_after: datetime,
    consent: Consent | None = None,
) -> tuple[str, PersonToken]:
    """A token of at most 300 s and not beyond `not_after`, returned once; only its digest is stored."""
    prefix = secrets.token_hex(4)
    token = f"{PERSON_PREFIX}_{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        now = database_now()
        made = PersonToken.objects.create(
            prefix=prefix, digest=token_digest(token), agent=client.agent, client=client, person=person,
            audience=audience, scopes=scopes, issued_at=now, expires_at=min(now + LONGEST, not_after),
            consent=consent,
        )  # fmt: skip
        more = {"client": client.application.client_id, "audience": audience, "scopes": scopes}
        more |= {"consent": consent.pk} if consent else {}
        _record(actor, made, "person_token.issued", {**more, "expires_at": made.expires_at.isoformat()})
    return token, made


def given_to(client: AgentClient, token: str) -> PersonToken | None:
    """A token of this client's agent; None for any other text."""
    return PersonToken.objects.filter(agent=client.agent, digest=token_digest(token)).first()


def revoke_person_token(*, actor: Actor, token: PersonToken) -> None:
    """Refuse it from the next request on, and what was proposed with it and has not run yet. Safe to repeat."""
    with transaction.atomic():
        if end_person_tokens(pk=token.pk):
            _record(actor, token, "person_token.revoked", {})


def end_person_tokens(**whose: Any) -> int:
    """End those that live. Whatever ends them is in the ledger already: the person left, or the client was revoked."""
    return PersonToken.objects.filter(revoked_at=None, **whose).update(revoked_at=database_now())


def end_acting(**whose: Any) -> int:
    """End what people allowed, and every token by which an agent acts for them: consents first, so that one that is just being
    refreshed has its new token by then, and that ends too. Recorded by the caller."""
    ended = Consent.objects.filter(ended_at=None, **whose).update(ended_at=database_now())
    return ended + end_person_tokens(**whose)


def _record(actor: Actor, token: PersonToken, type: str, more: dict[str, Any]) -> None:
    """By its public part; neither the token, nor its digest, nor what it was exchanged for stands in the ledger."""
    body = {"agent": told_agent(token.agent), "person": told_person(token.person), "token": token.name, **more}
    record_act(actor=actor, workspace_id=token.agent.workspace_id, type=type, body=body)
