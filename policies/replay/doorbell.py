"""Rings the worker for a replay; what a message may and may not do is said in `accounts.doorbell`."""

from collections.abc import Sequence

from accounts import doorbell

TASK = "policies.run_replay"


def ring(replay_id: str) -> None:
    """Ring for a replay once the current transaction is committed."""
    doorbell.ring(TASK, replay_id)


def ring_each(replay_ids: Sequence[str]) -> int:
    """Ring for these replays now; returns how many the broker took."""
    return doorbell.ring_each(TASK, replay_ids)
