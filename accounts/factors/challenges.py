"""Challenges: for one person, one session and one purpose; good for five minutes and one answer."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fido2.utils import websafe_decode, websafe_encode

from accounts.clock import database_now
from accounts.factors.models import Challenge
from accounts.models import User

LIVES = timedelta(minutes=5)


class ChallengeGone(Exception):
    """The challenge is unknown, of somebody else, of another session or purpose, used or too old."""


def session_digest(session_key: str | None) -> str:
    """Names a session without holding its key. Raises ValueError without a session: nothing is proven outside one."""
    if not session_key:
        raise ValueError("There is no session to bind this to.")
    return hashlib.sha256(session_key.encode("utf-8")).hexdigest()


def ask(
    user: User, session: str, purpose: Challenge.Purpose, *, value: bytes | None = None,
    subject: Mapping[str, Any] | None = None,
) -> Challenge:  # fmt: skip
    """A new challenge: 32 random bytes, or the digest of what the answer signs."""
    text = websafe_encode(value or secrets.token_bytes(32))
    now = database_now()
    Challenge.objects.filter(user=user, expires_at__lt=now).delete()
    expires = now + LIVES
    return Challenge.objects.create(
        user=user, session=session, purpose=purpose, value=text, subject=dict(subject or {}), expires_at=expires
    )


def take(user: User, session: str, purpose: Challenge.Purpose, challenge_id: str) -> Challenge:
    """The challenge, used up by this very call, so that no answer is looked at twice. Raises ChallengeGone."""
    now: datetime = database_now()
    mine = Challenge.objects.filter(
        pk=challenge_id[:40], user=user, session=session, purpose=purpose, used_at=None, expires_at__gt=now
    )
    if "\x00" in challenge_id or mine.update(used_at=now) != 1:
        raise ChallengeGone("This question was answered already, or is too old. Ask for a new one.")
    return Challenge.objects.get(pk=challenge_id)


def value_of(challenge: Challenge) -> bytes:
    """The bytes an authenticator signs over."""
    return websafe_decode(challenge.value)
