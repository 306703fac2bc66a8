"""Talks to the identity provider: where egress lets it (R-32), bounded answers, any trouble refuses the sign-in (P5)."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import httpx

from accounts.egress import Egress, EgressRefused, NotResolved
from accounts.oidc.configured import configured
from accounts.oidc.refusal import SignInRefused
from accounts.oidc_settings import is_safe_url

TIMEOUT_S = 10
MOST_BYTES = 256 * 1024
KEPT_S = 600
DISCOVERED = {
    "OIDC_AUTHORIZATION_URL": "authorization_endpoint",
    "OIDC_TOKEN_URL": "token_endpoint",
    "OIDC_USERINFO_URL": "userinfo_endpoint",
    "OIDC_JWKS_URL": "jwks_uri",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the provider answers. `names_itself`: its answers must carry `iss` (RFC 9207)."""

    issuer: str
    endpoints: Mapping[str, str]
    names_itself: bool


_kept: dict[str, tuple[float, Provider]] = {}


def provider() -> Provider:
    """The configured provider; a discovery document is kept for ten minutes. Raises SignInRefused."""
    asked = configured()
    if asked.endpoints is not None:
        return Provider(asked.issuer, asked.endpoints, asked.requires_iss)
    kept = _kept.get(asked.issuer)
    if kept is None or time.monotonic() - kept[0] > KEPT_S:
        kept = (time.monotonic(), _discover(asked.issuer, requires_iss=asked.requires_iss))
        _kept[asked.issuer] = kept
    return kept[1]


def _discover(issuer: str, *, requires_iss: bool) -> Provider:
    """OpenID Connect Discovery 1.0, section 4: the document must name the issuer it was asked of."""
    document = _object(_answer("GET", issuer.rstrip("/") + "/.well-known/openid-configuration"))
    endpoints = {ours: document.get(theirs) for ours, theirs in DISCOVERED.items()}
    if document.get("issuer") != issuer or not all(isinstance(e, str) and is_safe_url(e) for e in endpoints.values()):
        raise _unavailable("Its discovery document does not describe the configured issuer.")
    named = document.get("authorization_response_iss_parameter_supported") is True
    return Provider(issuer, {k: str(v) for k, v in endpoints.items()}, named or requires_iss)


def exchange_code(form: dict[str, str]) -> dict[str, Any]:
    """The token answer for an authorization code; the client proves itself by HTTP Basic (RFC 6749, 2.3.1)."""
    pair = (quote_plus(configured().client_id), quote_plus(configured().client_secret))
    response = _answer("POST", provider().endpoints["OIDC_TOKEN_URL"], data=form, auth=pair, refusals=True)
    if response.status_code != 200:
        raise SignInRefused("code-refused", "Your organisation did not accept this sign-in. Start again.")
    return _object(response)


def userinfo(access_token: str) -> dict[str, Any]:
    """The person's claims as JSON. A signed answer (application/jwt) is not read, and refuses the sign-in."""
    head = {"Authorization": f"Bearer {access_token}"}
    return _object(_answer("GET", provider().endpoints["OIDC_USERINFO_URL"], headers=head))


def signing_keys() -> list[dict[str, Any]]:
    """The provider's keys, fetched for each sign-in: a key it withdrew is no key."""
    keys = _object(_answer("GET", provider().endpoints["OIDC_JWKS_URL"])).get("keys")
    if not isinstance(keys, list):
        raise _unavailable("It published no keys.")
    return [key for key in keys if isinstance(key, dict)]


def _answer(method: str, url: str, *, refusals: bool = False, **options: Any) -> httpx.Response:
    """The answer if it is 200, or with `refusals` also 400 and 401. Redirects are not followed (V15.3.2)."""
    try:
        with _egress(url).client(url, timeout_s=TIMEOUT_S) as client:
            response = _bounded(client, client.build_request(method, url, **_split(options)), options.get("auth"))
    except NotResolved as error:
        raise _unavailable("It did not answer.") from error
    except EgressRefused as error:
        raise _unavailable("It names an address that Remit may not ask.") from error
    except httpx.HTTPError as error:
        raise _unavailable("It did not answer.") from error
    if response.status_code == 200 or (refusals and response.status_code in {400, 401}):
        return response
    raise _unavailable(f"It answered {response.status_code}.")


def _egress(url: str) -> Egress:
    """Whoever set up sign-in may name a host on a private network; a document that is read there may not (R-32)."""
    asked = configured()
    named = {Egress.host_of(each) for each in (asked.issuer, *(asked.endpoints or {}).values())}
    return Egress(allow_private=Egress.host_of(url) in named)


def _split(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "auth"}


def _bounded(client: httpx.Client, request: httpx.Request, auth: tuple[str, str] | None) -> httpx.Response:
    """The whole answer, at most MOST_BYTES. Raises httpx.ReadError beyond."""
    response = client.send(request, auth=auth, stream=True)
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise httpx.ReadError("The answer is too large.", request=request)
    finally:
        response.close()
    return httpx.Response(response.status_code, headers={"Content-Type": response.headers.get("Content-Type", "")},
                          content=bytes(body), request=request)  # fmt: skip


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise _unavailable("Its answer is not JSON.") from error
    if not isinstance(found, dict):
        raise _unavailable("Its answer is not a JSON object.")
    return found


def _unavailable(what: str) -> SignInRefused:
    return SignInRefused(
        "provider-unavailable", f"Your organisation's sign-in cannot be used now. {what} Try again later."
    )
