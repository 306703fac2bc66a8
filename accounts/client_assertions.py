"""How a client that is named by an address proves itself: by a signed assertion, once (RFC 7523, private_key_jwt)."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.client_documents import DocumentRefused, keys_of
from accounts.clock import database_now
from accounts.models import AgentClient, ClientAssertion
from accounts.oidc.refusal import SignInRefused
from accounts.oidc.tokens import assertion_claims, unproven_subject

logger = logging.getLogger("remit.oauth")
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256", "ES256")
LONGEST = 8_192


def client_by_assertion(kind: str, assertion: str, named: str | None) -> AgentClient | None:
    """The registered client that signed this, used up by looking; None for anything else.

    Whom it claims to be is only where to look: its keys are those at that client's registered address.
    """
    if kind != KIND or len(assertion) > LONGEST:
        return None
    try:
        subject = unproven_subject(assertion)
        client = _registered(subject) if named in (None, "", subject) else None
        if client is None:
            return None
        claims = assertion_claims(
            assertion, keys_of(subject), database_now(), client_id=subject, audiences=audiences(), algorithms=ALGORITHMS
        )
    except (SignInRefused, DocumentRefused) as refused:
        logger.info("A client's assertion was refused: %s", refused)
        return None
    return client if _first_use(client, claims) else None


def audiences() -> frozenset[str]:
    """What an assertion is made for: this server, by its name or by the address of its token endpoint."""
    base = str(settings.REMIT_BASE_URL)
    return frozenset({base, f"{base}/", f"{base}/oauth/token", f"{base}/oauth/token/"})


def _registered(subject: str) -> AgentClient | None:
    """A client that is named by its address. One with a secret proves itself by that alone."""
    if "://" not in subject:
        return None
    whole = AgentClient.objects.select_related("agent__workspace", "application")
    return whole.filter(application__client_id=subject).first()


def _first_use(client: AgentClient, claims: Mapping[str, Any]) -> bool:
    """An assertion is used once: the row of its id stands until it has run out."""
    digest = hashlib.sha256(str(claims["jti"]).encode("utf-8")).hexdigest()
    ClientAssertion.objects.filter(client=client, expires_at__lt=database_now()).delete()
    try:
        with transaction.atomic():
            ClientAssertion.objects.create(
                client=client, digest=digest, expires_at=datetime.fromtimestamp(claims["exp"], UTC)
            )
    except IntegrityError:
        logger.warning("An assertion of client %s was shown again.", client.application.client_id)
        return False
    return True
