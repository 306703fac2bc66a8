"""What a hostile or broken provider can put in its answers, and the reason each is refused for (T11)."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.accounts.provider import CLIENT_ID, CLIENT_SECRET, GONE, KEY, Provider, changed, public

OTHER = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig"})
KEY_OF_ANY_USE = RSAKey.import_key({k: v for k, v in KEY.as_dict(private=True).items() if k != "alg"})
CURVE = ECKey.generate_key("P-256", {"kid": "key-1", "use": "sig"})


@dataclass(frozen=True)
class Lie:
    name: str
    kind: str
    tell: Callable[[Provider], None]


def _claims(name: str, kind: str, **changes) -> Lie:
    """`changes` may be functions of the provider."""

    def tell(provider: Provider) -> None:
        provider.token_changes = {key: v(provider) if callable(v) else v for key, v in changes.items()}

    return Lie(name, kind, tell)


def _info(name: str, kind: str, **changes) -> Lie:
    return Lie(name, kind, lambda provider: provider.info_changes.update(changes))


def _signed(name: str, kind: str, sign: Callable[[dict, dict], object]) -> Lie:
    return Lie(name, kind, lambda provider: setattr(provider, "sign", sign))


def _part(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(algorithm: object) -> Callable[[dict, dict], str]:
    return lambda header, claims: f"{_part({**header, 'alg': algorithm})}.{_part(claims)}."


def _with_secret(algorithm: str, secret: bytes) -> Callable[[dict, dict], str]:
    """Signed by hand: the library rightly refuses to take a public key for a secret."""

    def sign(header: dict, claims: dict) -> str:
        signed = f"{_part({**header, 'alg': algorithm})}.{_part(claims)}"
        digest = hmac.digest(secret, signed.encode(), f"sha{algorithm[2:]}")
        return signed + "." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    return sign


def _with(key, **header) -> Callable[[dict, dict], str]:
    return lambda given, claims: jwt.encode({**given, **header}, claims, key, algorithms=[{**given, **header}["alg"]])


def _exchanged_payload(header: dict, claims: dict) -> str:
    first, _, signature = jwt.encode(header, claims, KEY).split(".")
    return f"{first}.{_part({**claims, 'sub': 'somebody-else'})}.{signature}"


def _without_signature(header: dict, claims: dict) -> str:
    return jwt.encode(header, claims, KEY).rpartition(".")[0] + "."


def _by_hand(key: RSAKey, **header) -> Callable[[dict, dict], str]:
    """RS256 with a header that the library rightly refuses to write."""

    def sign(given: dict, claims: dict) -> str:
        signed = f"{_part(changed({**given, **header}, {}))}.{_part(claims)}"
        signature = key.private_key.sign(signed.encode(), PKCS1v15(), SHA256())
        return signed + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()

    return sign


def _keys(name: str, *keys: dict, sign=None) -> Lie:
    def tell(provider: Provider) -> None:
        provider.keys = list(keys)
        provider.sign = sign or provider.sign

    return Lie(name, "unknown-key", tell)


def _at(seconds: int) -> Callable[[Provider], int]:
    return lambda _: int(time.time()) + seconds


def _issuer(change: Callable[[str], object]) -> Callable[[Provider], object]:
    return lambda provider: change(provider.issuer)


PUBLIC_PEM = KEY.as_pem(private=False)
BAD_ALGORITHM = "algorithm-not-allowed"

SIGNATURES = [
    _signed("alg none", BAD_ALGORITHM, _unsigned("none")),
    _signed("alg None", BAD_ALGORITHM, _unsigned("None")),
    _signed("alg nOnE", BAD_ALGORITHM, _unsigned("nOnE")),
    _signed("alg empty", BAD_ALGORITHM, _unsigned("")),
    _signed("alg is a list", BAD_ALGORITHM, _unsigned(["RS256"])),
    _signed("HS256 with the public key", BAD_ALGORITHM, _with_secret("HS256", PUBLIC_PEM)),
    _signed("HS512 with the public key", BAD_ALGORITHM, _with_secret("HS512", PUBLIC_PEM)),
    _signed("HS256 with the client secret", BAD_ALGORITHM, _with_secret("HS256", CLIENT_SECRET.encode())),
    _signed("RS512, which is not on the list", BAD_ALGORITHM, _with(KEY_OF_ANY_USE, alg="RS512")),
    _signed("another key under our key's name", "bad-signature", _with(OTHER)),
    _signed("the payload exchanged", "bad-signature", _exchanged_payload),
    _signed("the signature cut off", "bad-signature", _without_signature),
    _signed("its own key in the header", "unknown-key", _with(CURVE, alg="ES256", jwk=public(CURVE))),
    _signed("a large key in the header", "unreadable-token", _by_hand(OTHER, jwk=public(OTHER))),
    _signed("another key by jku", "bad-signature", _by_hand(OTHER, jku="http://127.0.0.1/keys")),
    _signed("an unknown critical header", "bad-signature", _by_hand(KEY, crit=["new"], new=1)),
    _signed("an unknown key id", "unknown-key", _with(KEY, kid="key-2")),
    _signed("a path as key id", "unknown-key", _with(KEY, kid="../../dev/null")),
    _signed("ES256 named for an RSA key", "unknown-key", _with(CURVE, alg="ES256")),
    _signed("two parts only", "unreadable-token", lambda h, c: f"{_part(h)}.{_part(c)}"),
    _signed("five parts", "unreadable-token", lambda h, c: "a.b.c.d.e"),
    _signed("not text at all", "no-token", lambda h, c: 7),
    _signed("empty", "no-token", lambda h, c: ""),
    _signed("a list as payload", "bad-signature", lambda h, c: f"{_part(h)}.W10.AAAA"),
]
KEYS = [
    _keys("no keys"),
    _keys("a key for encryption only", {**public(KEY), "use": "enc"}),
    _keys("a key for another algorithm", {**public(KEY), "alg": "PS256"}),
    _keys("two keys of one name", public(KEY), {**public(OTHER), "alg": "RS256"}),
    _keys("a broken key", {"kty": "RSA", "kid": "key-1"}),
    _keys("no key id and two keys", public(KEY), {**public(OTHER), "kid": "key-2"}, sign=_by_hand(KEY, kid=GONE)),
]
ISSUERS = [
    _claims("issuer missing", "wrong-issuer", iss=GONE),
    _claims("issuer of another", "wrong-issuer", iss="https://evil.example"),
    _claims("issuer with a slash more", "wrong-issuer", iss=_issuer(lambda issuer: issuer + "/")),
    _claims("issuer with a path more", "wrong-issuer", iss=_issuer(lambda issuer: issuer + "/tenant-2")),
    _claims("issuer in capitals", "wrong-issuer", iss=_issuer(str.upper)),
    _claims("issuer in a list", "wrong-issuer", iss=_issuer(lambda issuer: [issuer])),
]
AUDIENCES = [
    _claims("audience missing", "wrong-audience", aud=GONE),
    _claims("audience of another", "wrong-audience", aud="another"),
    _claims("audience that begins like ours", "wrong-audience", aud=CLIENT_ID + "-2"),
    _claims("audience that contains ours", "wrong-audience", aud=f"another {CLIENT_ID}"),
    _claims("audiences without us", "wrong-audience", aud=["another", "third"]),
    _claims("no audiences", "wrong-audience", aud=[]),
    _claims("audience as an object", "wrong-audience", aud={CLIENT_ID: True}),
    _claims("several audiences and no azp", "wrong-authorized-party", aud=[CLIENT_ID, "another"]),
    _claims("several audiences, azp another", "wrong-authorized-party", aud=[CLIENT_ID, "another"], azp="another"),
    _claims("one audience, azp another", "wrong-authorized-party", azp="another"),
    _claims("azp empty", "wrong-authorized-party", azp=""),
]
TIMES = [
    _claims("expired", "expired", exp=_at(-61)),
    _claims("expiry missing", "expired", exp=GONE),
    _claims("expiry as text", "expired", exp="9999999999"),
    _claims("expiry true", "expired", exp=True),
    _claims("issued in the future", "wrong-issue-time", iat=_at(120)),
    _claims("issued long ago", "wrong-issue-time", iat=_at(-3600)),
    _claims("issue time missing", "wrong-issue-time", iat=GONE),
    _claims("not valid yet", "not-yet-valid", nbf=_at(300)),
    _claims("not before, as text", "not-yet-valid", nbf="0"),
    _claims("not before true", "not-yet-valid", nbf=True),
]
NONCES = [
    _claims("nonce missing", "wrong-nonce", nonce=GONE),
    _claims("nonce of another sign-in", "wrong-nonce", nonce="A" * 32),
    _claims("nonce empty", "wrong-nonce", nonce=""),
    _claims("nonce null", "wrong-nonce", nonce=None),
]
SUBJECTS = [
    _claims("subject missing", "no-subject", sub=GONE),
    _claims("subject empty", "no-subject", sub=""),
    _claims("subject a number", "no-subject", sub=7),
    _claims("subject too long", "no-subject", sub="s" * 256),
    _claims("subject with NUL", "no-subject", sub="subject-1\x00"),
    _claims("subject that looks like another", "no-subject", sub="subjеct-1"),
    _claims("subject of another in the token", "wrong-subject", sub="subject-2"),
    _info("subject of another in userinfo", "wrong-subject", sub="subject-2"),
    _info("no subject in userinfo", "wrong-subject", sub=GONE),
    _claims("hash of another access token", "wrong-access-token", at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
]
EMAILS = [
    _info("email not verified", "unverified-email", email_verified=False),
    _info("email verified, as text", "unverified-email", email_verified="true"),
    _info("email verified, as a number", "unverified-email", email_verified=1),
    _info("no word about verification", "unverified-email", email_verified=GONE),
    _claims("email not verified in the token alone", "unverified-email", email_verified=False),
    _info("no email", "no-email", email=GONE),
    _info("email empty", "no-email", email=""),
    _info("email with NUL", "no-email", email="a\x00@northwind.example"),
    _info("two emails", "no-email", email=["noor@northwind.example", "dana@northwind.example"]),
    _info("not an address", "not-made", email="noor @northwind example"),
]
LIES = [*SIGNATURES, *KEYS, *ISSUERS, *AUDIENCES, *TIMES, *NONCES, *SUBJECTS, *EMAILS]
