"""Seals connection secrets at rest. Only the execution package opens them, in memory, for one attempt (P8)."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealBroken(Exception):
    """A sealed secret cannot be opened with any configured key."""


def seal(secret: str) -> str:
    """Encrypt with the newest key."""
    return _box().encrypt(secret.encode("utf-8")).decode("ascii")


def unseal(sealed: str) -> str:
    """Decrypt with the newest key, or an older one listed in SECRET_KEY_FALLBACKS. Raises SealBroken."""
    try:
        return _box().decrypt(sealed.encode("ascii")).decode("utf-8")
    except InvalidToken as error:
        raise SealBroken("A connection secret was sealed with a key this installation does not have.") from error


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_derive(str(key))) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derive(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"remit connection secrets v1")
    return base64.urlsafe_b64encode(derived.derive(key.encode("utf-8")))
