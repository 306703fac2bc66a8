"""How secrets that Remit itself made are stored: they have 256 random bits, so one keyed hash is enough, and quick.

A slow hash protects words that people think of. For a client's secret it protects nothing, costs a good part of a second
and 16 MiB at each request for a token, and so lets whoever asks often enough hold up everybody.

INVARIANT: nothing but a secret of that shape is ever stored like this. Held by tests/accounts/test_secret_hashing.py.
"""

import hashlib
import hmac
import re
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher, make_password

ALGORITHM = "remit_generated"
# secrets.token_urlsafe(32)
_MADE = re.compile(r"[A-Za-z0-9_-]{43}")


def is_generated(secret: str) -> bool:
    """Whether it has the shape of the secrets that Remit makes."""
    return _MADE.fullmatch(secret) is not None


def stored_anew(secret: str, stored: str) -> str | None:
    """What to store of a secret that was just proved instead of `stored`; None where it may stay."""
    if stored.startswith(f"{ALGORITHM}$") or not is_generated(secret):
        return None
    return make_password(secret, hasher=ALGORITHM)


class GeneratedSecretHasher(BasePasswordHasher):
    """`remit_generated$salt$digest`: HMAC-SHA-256 of the secret under the salt."""

    algorithm = ALGORITHM

    def encode(self, password: str, salt: str) -> str:
        """Raises ValueError for what Remit did not make, such as a person's password."""
        if not is_generated(password):
            raise ValueError("Only a secret that was generated is stored by a quick hash.")
        if not salt or "$" in salt:
            raise ValueError("A salt has at least one character and no $.")
        return f"{self.algorithm}${salt}${_digest(password, salt)}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """Its parts."""
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "hash": digest, "salt": salt, "work_factor": None}

    def verify(self, password: str, encoded: str) -> bool:
        """In a time that says nothing of where they differ."""
        kept = self.decode(encoded)
        return hmac.compare_digest(kept["hash"], _digest(password, kept["salt"]))

    def safe_summary(self, encoded: str) -> Any:
        """Nothing of the hash."""
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """There is no slower way to be as slow as."""


def _digest(secret: str, salt: str) -> str:
    return hmac.new(salt.encode(), secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
