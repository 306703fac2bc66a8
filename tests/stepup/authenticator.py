"""A passkey in software: real COSE keys, real CBOR, real signatures, and a place to lie in each part."""

import base64
import hashlib
import json
import secrets
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """Answers the options a server gives, as a browser would hand them on."""

    def __init__(self, origin: str = "http://localhost:8000", rp: str = "localhost") -> None:
        self.origin, self.rp = origin, rp
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.counter = 0

    def create(self, options: dict, **lies) -> str:
        """What `navigator.credentials.create` resolves to, as JSON."""
        client = self._client("webauthn.create", options["challenge"], lies)
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(lies, PRESENT | VERIFIED | ATTESTED) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def get(self, options: dict, **lies) -> str:
        """What `navigator.credentials.get` resolves to, as JSON."""
        client = self._client("webauthn.get", options["challenge"], lies)
        self.counter += 1
        data = self._data(lies, PRESENT | VERIFIED)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        told = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        return self._answer(told | lies.get("response", {}))

    def _client(self, kind: str, challenge: str, lies: dict) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | lies.get("client", {})).encode()

    def _data(self, lies: dict, flags: int) -> bytes:
        rp = hashlib.sha256(lies.get("rp", self.rp).encode()).digest()
        return rp + struct.pack(">BI", lies.get("flags", flags), lies.get("counter", self.counter))

    def _answer(self, response: dict) -> str:
        return json.dumps(
            {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response,
             "clientExtensionResults": {}}
        )  # fmt: skip
