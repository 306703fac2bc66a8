"""Stores a client's idempotency keys: one row a key of one agent and route, bound to what the first request recorded.

The row learns the recorded object's id in the transaction that records it, so a retry after a crash finds it (F1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.clock import database_now
from accounts.models import Agent
from actions.models import IdempotencyKey
from traces.canonical import sha256_hex

# A first request that recorded nothing and gave no answer for this long died; its key may be used again.
ABANDONED = timedelta(seconds=120)


class KeyReused(Exception):
    """The key was used before with other bytes."""


class KeyInUse(Exception):
    """The first request with this key has not answered yet."""


@dataclass(frozen=True, slots=True)
class Started:
    """A claimed key (`answer` and `resource` empty), or what the first request left behind."""

    pk: int
    answer: tuple[int, dict[str, Any]] | None = None
    resource: str = ""


def start(*, agent: Agent, route: str, key: str, raw: bytes) -> Started:
    """Claim a key, or say what its first request did. Raises KeyReused or KeyInUse."""
    digest, now = f"sha256:{sha256_hex(raw)}", database_now()
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(agent=agent, route=route, key=key, body_digest=digest, created_at=now)
        return Started(row.pk)
    except IntegrityError:
        return _again(IdempotencyKey.objects.get(agent=agent, route=route, key=key), digest)


def _again(row: IdempotencyKey, digest: str) -> Started:
    if row.body_digest != digest:
        raise KeyReused("Use a new key for a new request. Nothing was executed.")
    if row.status is not None and row.answer is not None:
        return Started(row.pk, (row.status, row.answer))
    if row.resource:
        return Started(row.pk, resource=row.resource)
    old = IdempotencyKey.objects.filter(pk=row.pk, resource="", created_at__lt=database_now() - ABANDONED)
    if old.update(created_at=database_now()):
        return Started(row.pk)
    raise KeyInUse("Ask again in a moment with the same key and body.")


def remember_as(pk: int | None) -> Callable[[str], None]:
    """For services: called with the recorded object's id inside the recording transaction.

    INVARIANT: a key records one thing. A request so slow that its retry took the key over raises KeyInUse here, which takes
    back what it was recording. Held by tests/gateway/test_slow_request.py.
    """

    def remember(resource: str) -> None:
        if pk is not None and IdempotencyKey.objects.filter(pk=pk, resource="").update(resource=resource) != 1:
            raise KeyInUse("Another request with this key was faster. Ask again with the same key and body.")

    return remember


def finish(*, pk: int, status: int, answer: dict[str, Any]) -> None:
    """Store the first answer."""
    IdempotencyKey.objects.filter(pk=pk).update(status=status, answer=answer)


def forget(*, pk: int) -> None:
    """Release a key whose request was refused before anything was recorded: validation does not burn it."""
    IdempotencyKey.objects.filter(pk=pk, status=None, resource="").delete()
