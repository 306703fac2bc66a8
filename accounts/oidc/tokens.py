"""Verifies an ID token (OpenID Connect Core 1.0, 3.1.3.7). Pure: keys, expectations and the time come in as values."""

import base64
import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from accounts.oidc.refusal import SignInRefused

SKEW_S = 60
OLDEST_S = 600
# A subject token is shown again within its own life; a provider that never lets one expire gets a day.
SUBJECT_OLDEST_S = 86_400
# An assertion is made for one request.
ASSERTION_OLDEST_S = 300
FAMILY = {"RS": "RSA", "PS": "RSA", "ES": "EC"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What this sign-in asked for."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: Sequence[str]


def verified_claims(token: str, keys: Sequence[dict[str, Any]], expected: Expected, now: datetime) -> dict[str, Any]:
    """The claims of a token that passes every check. Raises SignInRefused naming the first that fails."""
    claims = _signed_claims(token, keys, expected.algorithms)
    _require(claims.get("iss") == expected.issuer, "wrong-issuer")
    _require_audience(claims, expected.client_id)
    _require_fresh(claims, now.timestamp())
    _require(expected.nonce != "" and _same(claims.get("nonce"), expected.nonce), "wrong-nonce")
    _require_subject(claims)
    return claims


def subject_claims(
    token: str, keys: Sequence[dict[str, Any]], now: datetime, *, issuer: str, algorithms: Sequence[str],
    audiences: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """The claims of an ID token that somebody else shows (RFC 8693): made for one of `audiences`, with no nonce of ours.

    It may be as old as its own expiry lets it, but a logout token, an access token or one that speaks of another agent is
    not a person's word. Raises SignInRefused naming the first check that fails.
    """
    claims = _signed_claims(token, keys, algorithms)
    _require(_header(token).get("typ", "JWT") == "JWT" and "events" not in claims, "not-an-id-token")
    _require(claims.get("iss") == issuer, "wrong-issuer")
    _require_one_audience(claims, audiences)
    _require_fresh(claims, now.timestamp(), oldest_s=SUBJECT_OLDEST_S, skew_s=0)
    _require("act" not in claims and "may_act" not in claims, "delegated-already")
    _require_subject(claims)
    return claims


def assertion_claims(
    token: str, keys: Sequence[dict[str, Any]], now: datetime, *, client_id: str, audiences: Collection[str],
    algorithms: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """The claims of an assertion by which a client proves itself (RFC 7523): signed by it, about it, for us alone, for minutes,
    with an id of its own. Raises SignInRefused naming the first check that fails."""
    claims = _signed_claims(token, keys, algorithms)
    _require(claims.get("iss") == client_id and claims.get("sub") == client_id, "wrong-issuer")
    audience = claims.get("aud")
    only = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    _require(isinstance(only, str) and only in audiences, "wrong-audience")
    _require_fresh(claims, now.timestamp(), oldest_s=ASSERTION_OLDEST_S)
    _require(claims["exp"] <= now.timestamp() + ASSERTION_OLDEST_S + SKEW_S, "lives-too-long")
    used_once = claims.get("jti")
    _require(isinstance(used_once, str) and 0 < len(used_once) <= 255 and _is_plain(used_once), "no-id")
    return claims


def unproven_subject(token: str) -> str:
    """Whom a token says it is about, before anything of it is believed. Raises SignInRefused."""
    try:
        claims = json.loads(jws.extract_compact(token.encode("utf-8")).payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise _refused("unreadable-token") from error
    subject = claims.get("sub") if isinstance(claims, dict) else None
    _require(isinstance(subject, str) and 0 < len(subject) <= 255 and _is_plain(subject), "no-subject")
    return str(subject)


def _require_one_audience(claims: dict[str, Any], audiences: Sequence[str]) -> None:
    """It was made for an application on the list: the one `azp` names, else the only one of `aud`."""
    named = claims.get("azp", claims.get("aud"))
    chosen = named[0] if isinstance(named, list) and len(named) == 1 else named
    _require(isinstance(chosen, str) and chosen in audiences, "wrong-audience")
    _require_audience(claims, str(chosen))


def _require_subject(claims: dict[str, Any]) -> None:
    subject = claims.get("sub")
    _require(isinstance(subject, str) and 0 < len(subject) <= 255 and _is_plain(subject), "no-subject")


def require_access_token_hash(claims: dict[str, Any], algorithm: str, access_token: str) -> None:
    """Where the token names its access token by `at_hash`, it must be this one (3.1.3.8). Raises SignInRefused."""
    if "at_hash" in claims:
        digest = hashlib.new(f"sha{algorithm[2:]}", access_token.encode("utf-8")).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
        _require(_same(claims["at_hash"], half), "wrong-access-token")


def algorithm_of(token: str, algorithms: Sequence[str]) -> str:
    """The algorithm the token's header names, if it is allowed. Raises SignInRefused."""
    algorithm = _header(token).get("alg")
    _require(isinstance(algorithm, str) and algorithm in algorithms, "algorithm-not-allowed")
    return str(algorithm)


def _signed_claims(token: str, keys: Sequence[dict[str, Any]], algorithms: Sequence[str]) -> dict[str, Any]:
    algorithm = algorithm_of(token, algorithms)
    key = _key(keys, _header(token).get("kid"), algorithm)
    try:
        return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, RecursionError) as error:
        raise _refused("bad-signature") from error


def _header(token: str) -> dict[str, Any]:
    try:
        return dict(jws.extract_compact(token.encode("utf-8")).headers())
    except (JoseError, ValueError, RecursionError) as error:
        raise _refused("unreadable-token") from error


def _key(keys: Sequence[dict[str, Any]], key_id: object, algorithm: str) -> Key:
    """The one public key that fits. Keys named by the token itself (jwk, jku, x5u) are never looked at."""
    fitting = [
        key
        for key in keys
        if key.get("kty") == FAMILY[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (key_id is None or key.get("kid") == key_id)
    ]
    _require(len(fitting) == 1, "unknown-key")
    try:
        return import_key(fitting[0])
    except (JoseError, ValueError, LookupError, TypeError) as error:
        raise _refused("unknown-key") from error


def _require_audience(claims: dict[str, Any], client_id: str) -> None:
    """We are in `aud`; with several audiences `azp` must be there; when there, it is us."""
    named = claims.get("aud")
    audiences = [named] if isinstance(named, str) else named
    _require(isinstance(audiences, list) and client_id in audiences, "wrong-audience")
    if "azp" in claims or len(audiences or ()) > 1:
        _require(claims.get("azp") == client_id, "wrong-authorized-party")


def _require_fresh(claims: dict[str, Any], now: float, *, oldest_s: int = OLDEST_S, skew_s: int = SKEW_S) -> None:
    """Not expired by more than `skew_s`, issued not too long ago, in force; a minute of skew for the provider's clock."""
    expires, issued, begins = (_number(claims.get(name)) for name in ("exp", "iat", "nbf"))
    _require(expires is not None and now < expires + skew_s, "expired")
    _require(issued is not None and now - oldest_s - SKEW_S <= issued <= now + SKEW_S, "wrong-issue-time")
    _require("nbf" not in claims or (begins is not None and begins <= now + SKEW_S), "not-yet-valid")


def _number(value: object) -> float | None:
    """JSON's true is an int in Python, so booleans are told apart (R-05)."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_plain(text: str) -> bool:
    """Printable ASCII, as section 2 has it for `sub`: two subjects never look alike."""
    return text.isascii() and text.isprintable()


def _same(value: object, wanted: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode("utf-8"), wanted.encode("utf-8"))


def _require(holds: bool, kind: str) -> None:
    if not holds:
        raise _refused(kind)


def _refused(kind: str) -> SignInRefused:
    return SignInRefused(
        kind,
        f"The answer of your organisation's sign-in could not be trusted ({kind}). Start again, or tell whoever runs Remit.",
    )
