"""Codes of an authenticator app (RFC 6238, SHA-1, 6 digits, 30 s), checked by the cryptography library."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from accounts.factors.models import Factor
from accounts.sealing import seal_for, unseal_for

PURPOSE = "authenticator app secrets"
DIGITS, STEP_S = 6, 30
# One step back and one ahead: phones differ by some seconds (R-27: by the database's clock).
DRIFT = (0, -1, 1)


def new_secret() -> str:
    """160 random bits, sealed."""
    return seal_for(PURPOSE, base64.b32encode(secrets.token_bytes(20)).decode("ascii"))


def readable(sealed: str) -> str:
    """The secret as a person types it. Raises SealBroken."""
    return unseal_for(PURPOSE, sealed)


def address(sealed: str, account: str) -> str:
    """The otpauth:// address an app reads from the picture."""
    return _totp(sealed).get_provisioning_uri(account, "Remit")


@dataclass(frozen=True, slots=True)
class Picture:
    """A QR code as one SVG path of dark cells on a square of `size` units, its quiet zone included."""

    size: int
    path: str


def picture(sealed: str, account: str) -> Picture:
    """The address as a QR code."""
    code = segno.make(address(sealed, account), error="m")
    rows = list(code.matrix_iter(border=4))
    cells = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return Picture(len(rows), "".join(cells))


def step_of(sealed: str, code: str, now: datetime) -> int | None:
    """The time step a code belongs to, within the drift; None for a wrong code. Raises SealBroken."""
    digits = code.replace(" ", "")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    current, totp = int(now.timestamp()) // STEP_S, _totp(sealed)
    for drift in DRIFT:
        try:
            totp.verify(digits.encode("ascii"), (current + drift) * STEP_S)
        except InvalidToken:
            continue
        return current + drift
    return None


def accept(factor: Factor, code: str, now: datetime) -> bool:
    """Whether the code is right and newer than the last one accepted: a code counts once (RFC 6238, 5.2).

    Call it under the person's attempts lock, so that two answers with one code cannot both count.
    """
    step = step_of(factor.material, code, now)
    if step is None or step <= factor.counter:
        return False
    factor.counter, factor.last_used_at = step, now
    factor.save(update_fields=["counter", "last_used_at"])
    return True


def reseal() -> int:
    """Seal every secret again under the newest installation key. Raises SealBroken. Gives how many."""
    rows = list(Factor.objects.select_for_update().filter(kind=Factor.Kind.TOTP))
    for row in rows:
        row.material = seal_for(PURPOSE, readable(row.material))
        row.save(update_fields=["material"])
    return len(rows)


def _totp(sealed: str) -> TOTP:
    # SHA-1 is what authenticator apps read; its weakness does not touch HMAC.
    return TOTP(base64.b32decode(readable(sealed)), DIGITS, SHA1(), STEP_S)  # noqa: S303
