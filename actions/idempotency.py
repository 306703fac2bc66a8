"""Stores a client's idempotency keys: one row a key of one agent and route, with the first answer."""

from typing import Any

from accounts.clock import database_now
from accounts.models import Agent
from django.db import IntegrityError, transaction
from traces.canonical import sha256_hex

from actions.models import IdempotencyKey


class KeyReused(Exception):
    """The key was used before with other bytes."""


class KeyInUse(Exception):
    """The first request with this key has not answered yet."""


def start(*, agent: Agent, route: str, key: str, raw: bytes) -> tuple[int, dict[str, Any]] | None:
    """Claim a key, or return its stored answer. Raises KeyReused or KeyInUse."""
    digest = f"sha256:{sha256_hex(raw)}"
    try:
        with transaction.atomic():
            IdempotencyKey.objects.create(
                agent=agent, route=route, key=key, body_digest=digest, created_at=database_now()
            )
    except IntegrityError:
        return _stored(IdempotencyKey.objects.get(agent=agent, route=route, key=key), digest)
    return None


def _stored(row: IdempotencyKey, digest: str) -> tuple[int, dict[str, Any]]:
    if row.body_digest != digest:
        raise KeyReused("Use a new key for a new request. Nothing was executed.")
    if row.status is None or row.answer is None:
        raise KeyInUse("Ask again in a moment with the same key and body.")
    return row.status, row.answer


def finish(*, agent: Agent, route: str, key: str, status: int, answer: dict[str, Any]) -> None:
    """Store the first answer."""
    IdempotencyKey.objects.filter(agent=agent, route=route, key=key).update(status=status, answer=answer)


def forget(*, agent: Agent, route: str, key: str) -> None:
    """Release a key whose request was refused before anything was recorded: validation does not burn it."""
    IdempotencyKey.objects.filter(agent=agent, route=route, key=key, status=None).delete()
