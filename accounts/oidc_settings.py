"""Settings of sign-in: an identity provider when OIDC_ISSUER is set, sample passwords otherwise. Imports no Django."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Public-key signatures only. With `none` and the HS family out of the language, no token can be signed with what is public.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
ENDPOINTS = ("OIDC_AUTHORIZATION_URL", "OIDC_TOKEN_URL", "OIDC_USERINFO_URL", "OIDC_JWKS_URL")
# What may be said of a person (accounts.attributes), as a test holds: Django is not imported here.
ATTRIBUTES = ("department", "title", "region")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105 - the name of a class
IDENTITY_BACKEND = "accounts.oidc.backend.IdentityBackend"
GRANTS_BACKEND = "guardian.backends.ObjectPermissionBackend"

VIEWS = {
    "OIDC_AUTHENTICATE_CLASS": "accounts.oidc.views.StartView",
    "OIDC_CALLBACK_CLASS": "accounts.oidc.views.CallbackView",
}


def oidc_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Django settings of sign-in. Without OIDC_ISSUER only passwords; with it passwords only by REMIT_PASSWORD_SIGN_IN=1.

    Endpoints come from the issuer's discovery document, fetched at the first sign-in, unless all four are given.
    Raises SystemExit naming the variable that is missing or cannot be used.
    """
    issuer = environment.get("OIDC_ISSUER", "")
    with_password = _flag(environment, "REMIT_PASSWORD_SIGN_IN", default=not issuer)
    backends = [PASSWORD_BACKEND] * with_password + [IDENTITY_BACKEND] * bool(issuer) + [GRANTS_BACKEND]
    found = {
        "REMIT_PASSWORD_SIGN_IN": with_password,
        "REMIT_OIDC_ENABLED": bool(issuer),
        "AUTHENTICATION_BACKENDS": backends,
        "REMIT_OIDC_ATTRIBUTES": _attributes(environment) if issuer else {},
        "REMIT_EXCHANGE_AUDIENCES": _names(environment, "REMIT_EXCHANGE_AUDIENCES"),
        **VIEWS,
    }
    return found | _provider_settings(environment, issuer) if issuer else found


def _provider_settings(environment: Mapping[str, str], issuer: str) -> dict[str, Any]:
    return {
        "REMIT_OIDC_ISSUER": _url("OIDC_ISSUER", issuer),
        "REMIT_OIDC_ENDPOINTS": _endpoints(environment),
        "REMIT_OIDC_ALGORITHMS": _algorithms(environment),
        "REMIT_OIDC_REQUIRE_ISS": _flag(environment, "OIDC_REQUIRE_ISS", default=False),
        "REMIT_OIDC_REQUIRE_VERIFIED_EMAIL": _flag(environment, "OIDC_REQUIRE_VERIFIED_EMAIL", default=True),
        "OIDC_CREATE_USER": _flag(environment, "OIDC_CREATE_USERS", default=True),
        "OIDC_RP_CLIENT_ID": _needed(environment, "OIDC_CLIENT_ID"),
        "OIDC_RP_CLIENT_SECRET": _secret(environment, "OIDC_CLIENT_SECRET"),
        "OIDC_RP_SCOPES": "openid email profile",
        "OIDC_USE_NONCE": True,
        "OIDC_USE_PKCE": True,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
        "OIDC_STORE_ACCESS_TOKEN": False,
        "OIDC_STORE_ID_TOKEN": False,
        "OIDC_MAX_STATES": 10,
    }


def _endpoints(environment: Mapping[str, str]) -> dict[str, str] | None:
    given = {name: environment[name] for name in ENDPOINTS if environment.get(name)}
    if not given:
        return None
    missing = [name for name in ENDPOINTS if name not in given]
    if missing:
        raise SystemExit(f"{', '.join(given)} set without {', '.join(missing)}. Set all four, or none for discovery.")
    return {name: _url(name, value) for name, value in given.items()}


def _algorithms(environment: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in environment.get("OIDC_ALGORITHMS", "RS256,PS256,ES256").split(","))
    for name in names:
        if name not in ALGORITHMS:
            raise SystemExit(f"OIDC_ALGORITHMS has {name!r}. Use some of {', '.join(ALGORITHMS)}.")
    return names


def _attributes(environment: Mapping[str, str]) -> dict[str, str]:
    """Which claim says which attribute: `department=department,region=office`."""
    pairs = [word.partition("=") for word in _names(environment, "OIDC_ATTRIBUTES")]
    found = {name.strip(): claim.strip() for name, _, claim in pairs}
    if len(found) < len(pairs) or not all(found.values()) or not set(found) <= set(ATTRIBUTES):
        given, known = environment["OIDC_ATTRIBUTES"], ", ".join(ATTRIBUTES)
        raise SystemExit(f"OIDC_ATTRIBUTES is {given!r}. Write name=claim, each of {known} once at most.")
    return found


def is_safe_url(value: str) -> bool:
    """Whether secrets may travel to it: https, or plain http on this machine."""
    parts = urlsplit(value)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _url(name: str, value: str) -> str:
    if not is_safe_url(value):
        raise SystemExit(f"{name} is {value!r}. Use an https:// address.")
    return value


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SystemExit(f"OIDC_ISSUER is set, so {name} must be set too.")
    return value


def _secret(environment: Mapping[str, str], name: str) -> str:
    """The variable, or the content of the file that `name_FILE` names."""
    path = environment.get(f"{name}_FILE")
    if not path:
        return _needed(environment, name)
    try:
        return _needed({name: Path(path).read_text(encoding="utf-8").strip()}, name)
    except OSError as error:
        raise SystemExit(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def _names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A comma-separated list; empty where it is not set."""
    return tuple(word.strip() for word in environment.get(name, "").split(",") if word.strip())


def _flag(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environment.get(name, str(int(default))).strip().lower()
    if value not in {"0", "1"}:
        raise SystemExit(f"{name} is {value!r}. Use 1 or 0.")
    return value == "1"
