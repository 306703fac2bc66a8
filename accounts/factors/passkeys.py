"""Passkeys (WebAuthn): what is asked of an authenticator and whether its answer holds, by the fido2 library."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.factors.models import Challenge, Factor
from accounts.models import User

MOST_BYTES = 64 * 1024
# The signatures that are accepted (V9.1.2), by their COSE numbers.
ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS = (ES256, EDDSA, RS256)
LOOPBACK = {"127.0.0.1", "[::1]", "::1"}


class PasskeyRefused(Exception):
    """An answer that does not hold. The message is for the log and the ledger, never for whoever answered."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator answered: public data, enough for anyone to check it again."""

    credential_id: str
    public_key: str
    client_data: str
    authenticator_data: str
    signature: str


def origin() -> str:
    """The one origin whose pages may ask. An address cannot be a relying party, so a loopback one is `localhost`."""
    parts = urlsplit(settings.REMIT_BASE_URL)
    if parts.netloc.rpartition(":")[0] in LOOPBACK or parts.netloc in LOOPBACK:
        return f"{parts.scheme}://localhost" + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}://{parts.netloc}"


def _server() -> Fido2Server:
    mine = origin()
    party = PublicKeyCredentialRpEntity(name="Remit", id=urlsplit(mine).hostname)
    server = Fido2Server(party, verify_origin=lambda theirs: theirs == mine)
    server.allowed_algorithms = [one for one in server.allowed_algorithms if one.alg in ALGORITHMS]
    return server


def creation_options(user: User, challenge: bytes) -> dict[str, Any]:
    """What `navigator.credentials.create` is given."""
    entity = PublicKeyCredentialUserEntity(id=user.pk.encode(), name=user.email, display_name=user.name)
    options, _ = _server().register_begin(
        entity, credentials=_credentials(user), challenge=challenge,
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )  # fmt: skip
    return dict(options)


def request_options(user: User, challenge: bytes, purpose: str) -> dict[str, Any]:
    """What `navigator.credentials.get` is given: this person's passkeys alone."""
    options, _ = _server().authenticate_begin(
        credentials=_credentials(user), challenge=challenge, user_verification=_verification(purpose)
    )
    return dict(options)


def registered(challenge: Challenge, answer: str) -> AttestedCredentialData:
    """The new credential. Raises PasskeyRefused: another origin, relying party, challenge or type, or no person present."""
    given = _parsed(answer)
    try:
        data = RegistrationResponse.from_dict(given)
        _refuse_framed(data.response.client_data.cross_origin)
        found = _server().register_complete(_state(challenge), data)
        credential = found.credential_data
    except PasskeyRefused:
        raise
    except Exception as error:  # The library tells a malformed answer by whatever its parser meets first.
        raise PasskeyRefused(f"The new passkey does not hold: {str(error)[:200]}") from error
    if credential is None or len(credential.credential_id) > 1023 or credential.public_key.get(3) not in ALGORITHMS:
        raise PasskeyRefused("The new passkey has no usable id or key.")
    return credential


def accept(user: User, challenge: Challenge, answer: str, now: datetime) -> tuple[Factor, Assertion]:
    """The passkey that answered and its answer. Raises PasskeyRefused.

    Refused: another origin, challenge, relying party or type; a passkey of somebody else; a signature that does not hold; a
    counter that did not go forward (a copied authenticator). Call it under the person's attempts lock.
    """
    given = _parsed(answer)
    mine = {factor.credential_id: factor for factor in user.factors.filter(kind=Factor.Kind.PASSKEY)}
    known = [_credential(factor) for factor in mine.values()]
    try:
        data = AuthenticationResponse.from_dict(given)
        _refuse_framed(data.response.client_data.cross_origin)
        used = _server().authenticate_complete(_state(challenge), known, data)
    except PasskeyRefused:
        raise
    except Exception as error:  # As above: a malformed answer is a wrong answer.
        raise PasskeyRefused(f"The passkey's answer does not hold: {str(error)[:200]}") from error
    factor = mine[websafe_encode(used.credential_id)]
    _count(factor, data.response.authenticator_data.counter, now)
    return factor, _assertion(used, data)


def public_keys(user: User) -> list[str]:
    """This person's passkeys, as an `Assertion` names them."""
    return sorted(_plain_key(one.public_key) for one in _credentials(user))


def assertion_holds(user: User, found: Mapping[str, str], challenge: bytes) -> bool:
    """Whether a stored answer is that of a passkey this person still has, to this challenge. Any doubt is a no."""
    try:
        factor = user.factors.get(kind=Factor.Kind.PASSKEY, credential_id=found["credential_id"])
        told = {
            "clientDataJSON": found["client_data"], "authenticatorData": found["authenticator_data"],
            "signature": found["signature"],
        }  # fmt: skip
        data = AuthenticationResponse.from_dict(
            {"id": factor.credential_id, "rawId": factor.credential_id, "type": "public-key", "response": told}
        )
        _refuse_framed(data.response.client_data.cross_origin)
        known, state = (
            _credential(factor),
            {"challenge": websafe_encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED},
        )
        _server().authenticate_complete(state, [known], data)
    except Exception:  # As above: whatever the library meets first in a malformed answer.
        return False
    return found["public_key"] == _plain_key(known.public_key)


def _count(factor: Factor, counter: int, now: datetime) -> None:
    if (counter or factor.counter) and counter <= factor.counter:
        raise PasskeyRefused(f"The passkey's counter went from {factor.counter} to {counter}: it may be a copy.")
    factor.counter, factor.last_used_at = counter, now
    factor.save(update_fields=["counter", "last_used_at"])


def _assertion(used: AttestedCredentialData, data: AuthenticationResponse) -> Assertion:
    return Assertion(
        credential_id=websafe_encode(used.credential_id),
        public_key=_plain_key(used.public_key),
        client_data=websafe_encode(bytes(data.response.client_data)),
        authenticator_data=websafe_encode(bytes(data.response.authenticator_data)),
        signature=websafe_encode(data.response.signature),
    )


def _plain_key(key: Mapping[int, Any]) -> str:
    """A COSE key in the form every library reads: base64 of its SubjectPublicKeyInfo."""
    public: ec.EllipticCurvePublicKey | Ed25519PublicKey | rsa.RSAPublicKey
    if key[3] == ES256:
        numbers = (int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"))
        public = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    elif key[3] == EDDSA:
        public = Ed25519PublicKey.from_public_bytes(key[-2])
    else:
        exponent, modulus = (int.from_bytes(key[at], "big") for at in (-2, -1))
        public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode("ascii")


def material(credential: AttestedCredentialData) -> str:
    """A credential as it is stored."""
    return base64.b64encode(bytes(credential)).decode("ascii")


def _credential(factor: Factor) -> AttestedCredentialData:
    return AttestedCredentialData(base64.b64decode(factor.material))


def _credentials(user: User) -> list[AttestedCredentialData]:
    return [_credential(factor) for factor in user.factors.filter(kind=Factor.Kind.PASSKEY)]


def _state(challenge: Challenge) -> dict[str, Any]:
    return {"challenge": challenge.value, "user_verification": _verification(challenge.purpose)}


def _verification(purpose: str) -> UserVerificationRequirement:
    """A verdict needs the person, by PIN or body: whoever only holds the authenticator signs none."""
    needed = purpose == Challenge.Purpose.VERDICT
    return UserVerificationRequirement.REQUIRED if needed else UserVerificationRequirement.PREFERRED


def _refuse_framed(cross_origin: bool | None) -> None:
    if cross_origin:
        raise PasskeyRefused("The answer was given inside a page of another site.")


def _parsed(answer: str) -> Mapping[str, Any]:
    if len(answer) > MOST_BYTES:
        raise PasskeyRefused("The answer is too long.")
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise PasskeyRefused("The answer is not JSON.") from error
    if not isinstance(found, dict):
        raise PasskeyRefused("The answer is not an object.")
    return found
