"""Seals secrets at rest under the installation's secret key. The one home of the cipher, and of keys made for one purpose."""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealBroken(Exception):
    """A sealed secret cannot be opened with any configured key."""


def seal_for(purpose: str, secret: str, keys: Sequence[str] = ()) -> str:
    """Encrypt with the newest key: of the installation, or of `keys`, for what not every process may open."""
    return _box(purpose, keys).encrypt(secret.encode("utf-8")).decode("ascii")


def unseal_for(purpose: str, sealed: str, keys: Sequence[str] = ()) -> str:
    """Decrypt with the newest key, or an older one (of the installation: SECRET_KEY_FALLBACKS). Raises SealBroken."""
    try:
        return _box(purpose, keys).decrypt(sealed.encode("ascii")).decode("utf-8")
    except (InvalidToken, UnicodeError) as error:
        raise SealBroken(f"What was sealed as {purpose} has a key this installation does not have.") from error


def keys_for(purpose: str, keys: Sequence[str] = ()) -> list[bytes]:
    """A key of its own for a purpose from each of `keys`, or of the installation's secret keys, the newest first."""
    return [_derive(purpose, str(key)) for key in keys or (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _box(purpose: str, keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys_for(purpose, keys)])


def _derive(purpose: str, key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"remit {purpose} v1".encode())
    return base64.urlsafe_b64encode(derived.derive(key.encode("utf-8")))
