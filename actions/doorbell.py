"""Rings the worker for an action; what a message may and may not do is said in `accounts.doorbell`."""

from collections.abc import Sequence

from accounts import doorbell

TASK = "actions.run_action"


def ring(action_id: str) -> None:
    """Ring for an action once the current transaction is committed."""
    doorbell.ring(TASK, action_id)


def ring_each(action_ids: Sequence[str]) -> int:
    """Ring for these actions now; returns how many the broker took."""
    return doorbell.ring_each(TASK, action_ids)
