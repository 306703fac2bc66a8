"""Settings of the authorization server for agents: client credentials, exchange and people who sign in, short tokens stored as
digests.

Imports no Django.
"""

from typing import Any

from accounts.scopes import AGENT, WORDS

TOKEN_S = 600
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OWN = "client_credentials"
# By which a person's sign-in becomes tokens, and those the next ones (accounts.consents).
BY_CODE = ("authorization_code", "refresh_token")


def oauth_settings(base_url: str) -> dict[str, Any]:
    """django-oauth-toolkit's settings. Every address is built from `base_url`, never from a Host header (R-11)."""
    compliant = (
        "IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS", "TOKEN_STORAGE",
        "REFRESH_TOKEN", "REDIRECT_URI_SCHEME", "REDIRECT_URI_MATCHING", "PKCE_REQUIRED",
    )  # fmt: skip
    return {
        "SCOPES": WORDS,
        "DEFAULT_SCOPES": [AGENT],
        "SCOPES_BACKEND_CLASS": "accounts.client_scopes.ClientScopes",
        "OAUTH2_VALIDATOR_CLASS": "accounts.client_validator.ClientValidator",
        "CLIENT_SECRET_HASHER": "remit_generated",
        "ACCESS_TOKEN_EXPIRE_SECONDS": TOKEN_S,
        "REFRESH_TOKEN_EXPIRE_SECONDS": TOKEN_S,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
        "PKCE_REQUIRED": True,
        "DCR_ENABLED": False,
        "CIMD_ENABLED": False,
        "OIDC_ISS_ENDPOINT": base_url,
        "OAUTH2_GRANT_TYPES_SUPPORTED": [OWN, EXCHANGE, *BY_CODE],
        "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
        **{f"COMPLIANT_BCP_RFC9700_{name}": True for name in compliant},
    }
