"""Recovery codes: ten of 80 random bits, shown once, stored as digests, each used once."""

import base64
import secrets
from datetime import datetime

from accounts.access import token_digest
from accounts.factors.models import RecoveryCode
from accounts.models import User

COUNT = 10
LENGTH = 16


def renew(user: User, now: datetime) -> list[str]:
    """Ten new codes in place of all earlier ones, returned once."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = [base64.b32encode(secrets.token_bytes(10)).decode("ascii") for _ in range(COUNT)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(user, code), made_at=now) for code in codes)
    return [f"{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}" for code in codes]


def accept(user: User, code: str, now: datetime) -> bool:
    """Whether this is an unused code of this person; it is used up by the question."""
    plain = code.replace("-", "").replace(" ", "").upper()
    if len(plain) != LENGTH or not plain.isascii():
        return False
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(user, plain), used_at=None)
    return unused.update(used_at=now) == 1


def left(user: User) -> int:
    """How many are not used yet."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _digest(user: User, code: str) -> str:
    return token_digest(f"{user.pk}:{code}")
