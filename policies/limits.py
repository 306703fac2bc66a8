"""Windowed limits: read, reserve, settle and release under one lock a counter, so parallel requests cannot overrun (A-02).

INVARIANT: usage is read and reserved under the same transaction lock. Held by tests/policies/test_limits.py.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Sum

from accounts.clock import database_now
from policies.engine.types import Hold
from policies.models import LimitHold

State = LimitHold.State


def lock_counters(workspace_id: str, keys: Iterable[str]) -> None:
    """Take each counter's lock until the transaction ends; in order, so that two requests cannot wait for each other."""
    numbers = sorted(_lock_number(workspace_id, key) for key in keys)
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _lock_number(workspace_id: str, key: str) -> int:
    digest = hashlib.sha256(f"limit\x00{workspace_id}\x00{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def usage(workspace_id: str, counters: Mapping[str, int], *, action_id: str) -> dict[str, int]:
    """What others hold or have settled in each counter's window. `counters` is key -> window in seconds."""
    now = database_now()
    return {
        key: _used(workspace_id, key, now - timedelta(seconds=window), action_id) for key, window in counters.items()
    }


def _used(workspace_id: str, key: str, since: datetime, action_id: str) -> int:
    held = LimitHold.objects.filter(workspace_id=workspace_id, key=key, at__gt=since)
    return held.exclude(state=State.RELEASED).exclude(action_id=action_id).aggregate(total=Sum("amount"))["total"] or 0


def reserve(*, workspace_id: str, action_id: str, holds: Iterable[Hold]) -> None:
    """Hold what a decision asked for. Runs in the transaction that took the counters' locks."""
    now = database_now()
    LimitHold.objects.bulk_create(
        LimitHold(workspace_id=workspace_id, key=h.key, limit=h.limit, action_id=action_id, amount=h.amount, at=now)
        for h in holds
    )


def replace_holds(*, workspace_id: str, action_id: str, holds: Iterable[Hold]) -> None:
    """Hold what a new decision on the same action asks for instead of what the old one did."""
    LimitHold.objects.filter(action_id=action_id, state=State.RESERVED).delete()
    reserve(workspace_id=workspace_id, action_id=action_id, holds=holds)


def settle(*, action_id: str) -> None:
    """The action took effect: its amounts count for good."""
    LimitHold.objects.filter(action_id=action_id, state=State.RESERVED).update(state=State.SETTLED)


def release(*, action_id: str) -> None:
    """The action had no effect: its amounts are free again."""
    LimitHold.objects.filter(action_id=action_id, state=State.RESERVED).update(state=State.RELEASED)
