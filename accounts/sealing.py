"""Seals secrets at rest under the installation's secret key, each purpose with a key of its own. The one home of the cipher."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealBroken(Exception):
    """A sealed secret cannot be opened with any configured key."""


def seal_for(purpose: str, secret: str) -> str:
    """Encrypt with the newest key."""
    return _box(purpose).encrypt(secret.encode("utf-8")).decode("ascii")


def unseal_for(purpose: str, sealed: str) -> str:
    """Decrypt with the newest key, or an older one listed in SECRET_KEY_FALLBACKS. Raises SealBroken."""
    try:
        return _box(purpose).decrypt(sealed.encode("ascii")).decode("utf-8")
    except (InvalidToken, UnicodeError) as error:
        raise SealBroken(f"What was sealed as {purpose} has a key this installation does not have.") from error


def _box(purpose: str) -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_derive(purpose, str(key))) for key in keys])


def _derive(purpose: str, key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"remit {purpose} v1".encode())
    return base64.urlsafe_b64encode(derived.derive(key.encode("utf-8")))
