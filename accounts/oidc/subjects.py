"""Whose word a subject token is: an ID token of the organisation's provider that an agent shows, to act for that person."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from accounts.clock import database_now
from accounts.models import User, Workspace
from accounts.oidc import provider
from accounts.oidc.configured import configured
from accounts.oidc.refusal import SignInRefused
from accounts.oidc.tokens import subject_claims

LONGEST = 16_384


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, and until when their word holds."""

    person: User
    expires_at: datetime


def subject_of(token: str, workspace: Workspace) -> Subject:
    """The active member of the workspace whose ID token this is. Raises SignInRefused; who is absent and who is no member
    look alike.

    INVARIANT: without a provider and without a list of applications whose tokens count, nobody is anybody's subject. Held by
    tests/gateway/test_exchange.py.
    """
    audiences = settings.REMIT_EXCHANGE_AUDIENCES if settings.REMIT_OIDC_ENABLED else ()
    if not audiences:
        raise SignInRefused("not-set-up", "Exchange is not set up here.")
    if len(token) > LONGEST:
        raise SignInRefused("unreadable-token", "The token is too long.")
    asked = configured()
    claims = subject_claims(
        token, provider.signing_keys(), database_now(),
        issuer=asked.issuer, algorithms=asked.algorithms, audiences=audiences,
    )  # fmt: skip
    people = User.objects.filter(memberships__workspace=workspace, is_active=True).distinct()
    person = people.filter(issuer=claims["iss"], subject=claims["sub"]).first()
    if person is None:
        raise SignInRefused("no-member", "The token is of nobody in the agent's workspace.")
    return Subject(person, datetime.fromtimestamp(_until(claims["exp"]), UTC))


def _until(expires: float) -> float:
    """No date lies beyond the year 9999; a token that never expires is cut to five minutes anyway."""
    return min(expires, datetime(9999, 1, 1, tzinfo=UTC).timestamp())
