"""The provider's settings as one typed value. They are made from the environment, so Django's settings have no types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Configured:
    """What `accounts.oidc_settings` read. `endpoints` is None where the issuer's discovery document names them."""

    issuer: str
    client_id: str
    client_secret: str
    endpoints: Mapping[str, str] | None
    algorithms: Sequence[str]
    requires_iss: bool
    requires_verified_email: bool
    creates_users: bool
    attributes: Mapping[str, str]
    base_url: str


def configured() -> Configured:
    """As they are now. Raises AttributeError where OIDC_ISSUER is not set."""
    found: Any = settings
    return Configured(
        issuer=found.REMIT_OIDC_ISSUER,
        client_id=found.OIDC_RP_CLIENT_ID,
        client_secret=found.OIDC_RP_CLIENT_SECRET,
        endpoints=found.REMIT_OIDC_ENDPOINTS,
        algorithms=found.REMIT_OIDC_ALGORITHMS,
        requires_iss=found.REMIT_OIDC_REQUIRE_ISS,
        requires_verified_email=found.REMIT_OIDC_REQUIRE_VERIFIED_EMAIL,
        creates_users=found.OIDC_CREATE_USER,
        attributes=found.REMIT_OIDC_ATTRIBUTES,
        base_url=found.REMIT_BASE_URL,
    )
