"""Windowed limits: read, reserve, settle and release under one lock a counter, so parallel requests cannot overrun (A-02).

INVARIANT: usage is read and reserved under the same transaction lock. Held by tests/policies/test_limits.py.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet, Sum
from django.db.models.expressions import RawSQL

from accounts.clock import DatabaseNow
from accounts.questions import Question
from accounts.writes import add, change, remove
from policies.engine.types import Hold
from policies.models import LimitHold

State = LimitHold.State


def lock_counters(workspace_id: str, keys: Iterable[str]) -> None:
    """Take each counter's lock until the transaction ends; in order, so that two requests cannot wait for each other.

    Counters of one key in two policies share a lock: a process of an older release does not tell them apart.
    """
    numbers = sorted(_lock_number(workspace_id, key) for key in keys)
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _lock_number(workspace_id: str, key: str) -> int:
    digest = hashlib.sha256(f"limit\x00{workspace_id}\x00{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def usage(workspace_id: str, policy: str, counters: Mapping[str, int], *, action_id: str) -> dict[str, int]:
    """What others hold or have settled under a policy in each counter's window. `counters` is key -> window in seconds."""
    return {
        key: next(iter(_HELD.all(workspace_id, policy, key, timedelta(seconds=window), action_id)), (0,))[0] or 0
        for key, window in counters.items()
    }


def _of_held(workspace_id: str, policy: str, key: str, window: str, but: str) -> QuerySet[LimitHold, tuple[int]]:
    # By the clock of this very statement; in a part of its own, so that the index finds the window's rows.
    since = RawSQL("SELECT clock_timestamp() - %s::interval", [window])
    held = LimitHold.objects.filter(workspace_id=workspace_id, policy__in=("", policy), key=key, at__gt=since)
    others = held.exclude(state=State.RELEASED).exclude(action_id=but)
    return others.order_by().values("workspace_id").annotate(total=Sum("amount")).values_list("total")


_HELD = Question(_of_held)


def held_since(
    workspace_id: str, policy: str, key: str, since: datetime, *, until: datetime | None = None, but: str = ""
) -> int:
    """What actions hold or have settled of one counter after `since`, up to `until`, without the action `but`."""
    held = LimitHold.objects.filter(workspace_id=workspace_id, policy__in=("", policy), key=key, at__gt=since)
    if until is not None:
        held = held.filter(at__lte=until)
    return held.exclude(state=State.RELEASED).exclude(action_id=but).aggregate(total=Sum("amount"))["total"] or 0


def reserve(*, workspace_id: str, policy: str, action_id: str, holds: Iterable[Hold]) -> None:
    """Hold what a decision under a policy asked for. Runs in the transaction that took the counters' locks."""
    asked = list(holds)
    if not asked:
        return
    common = {"workspace_id": workspace_id, "policy": policy, "action_id": action_id, "at": DatabaseNow()}
    add([LimitHold(key=h.key, limit=h.limit, amount=h.amount, **common) for h in asked])


def replace_holds(*, workspace_id: str, policy: str, action_id: str, holds: Iterable[Hold]) -> None:
    """Hold what a new decision on the same action asks for instead of what the old one did."""
    remove(LimitHold, {"action_id": action_id, "state": State.RESERVED})
    reserve(workspace_id=workspace_id, policy=policy, action_id=action_id, holds=holds)


def settle(*, action_id: str) -> None:
    """The action took effect: its amounts count for good."""
    _turn(action_id, State.RESERVED, State.SETTLED)


def release(*, action_id: str) -> None:
    """The action had no effect: its amounts are free again."""
    _turn(action_id, State.RESERVED, State.RELEASED)


def hold_again(*, action_id: str) -> None:
    """Take back a release in the transaction that released: nobody else saw the amounts free."""
    _turn(action_id, State.RELEASED, State.RESERVED)


def _turn(action_id: str, source: State, to: State) -> None:
    change(LimitHold, {"action_id": action_id, "state": source}, {"state": to})
