"""Settings of sign-in: an identity provider when OIDC_ISSUER is set, sample passwords otherwise."""

from collections.abc import Mapping
from typing import Any

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_NEEDED = (
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_AUTHORIZATION_URL",
    "OIDC_TOKEN_URL",
    "OIDC_USERINFO_URL",
    "OIDC_JWKS_URL",
)


def oidc_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Django settings for mozilla-django-oidc, or none of it where no issuer is configured.

    Raises SystemExit naming the variable that is missing or cannot be used.
    """
    issuer = environment.get("OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return {"REMIT_OIDC_ENABLED": False, "REMIT_PASSWORD_SIGN_IN": True}
    missing = [name for name in _NEEDED if not environment.get(name)]
    if missing:
        raise SystemExit(f"OIDC_ISSUER is set, so {', '.join(missing)} must be set too.")
    algorithm = environment.get("OIDC_ALGORITHM", "RS256")
    if algorithm not in ALGORITHMS:
        raise SystemExit(f"OIDC_ALGORITHM is {algorithm}. Use one of {', '.join(ALGORITHMS)}.")
    return {
        "REMIT_OIDC_ENABLED": True,
        "REMIT_PASSWORD_SIGN_IN": environment.get("REMIT_PASSWORD_SIGN_IN", "0") == "1",
        "REMIT_OIDC_ISSUER": issuer,
        "OIDC_RP_CLIENT_ID": environment["OIDC_CLIENT_ID"],
        "OIDC_RP_CLIENT_SECRET": environment["OIDC_CLIENT_SECRET"],
        "OIDC_OP_AUTHORIZATION_ENDPOINT": environment["OIDC_AUTHORIZATION_URL"],
        "OIDC_OP_TOKEN_ENDPOINT": environment["OIDC_TOKEN_URL"],
        "OIDC_OP_USER_ENDPOINT": environment["OIDC_USERINFO_URL"],
        "OIDC_OP_JWKS_ENDPOINT": environment["OIDC_JWKS_URL"],
        "OIDC_RP_SIGN_ALGO": algorithm,
        "OIDC_RP_SCOPES": "openid email profile",
        "OIDC_USE_NONCE": True,
        "OIDC_USE_PKCE": True,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
        "OIDC_STORE_ACCESS_TOKEN": False,
        "OIDC_STORE_ID_TOKEN": False,
        "OIDC_CREATE_USER": True,
        "OIDC_TIMEOUT": 10,
    }
