"""The worker's task for policies. It trusts nothing in a message: it takes an id, reloads the row and calls one service."""

import logging

from celery import shared_task

from accounts.ids import is_id
from policies.replay import run_replay
from policies.replay.doorbell import TASK

logger = logging.getLogger("remit.worker")


@shared_task(name=TASK, max_retries=0)
def replay(replay_id: str) -> None:
    """Run one replay if its row says so. What is not the id of a replay is ignored and logged."""
    if not isinstance(replay_id, str) or not is_id("rpl", replay_id):
        logger.warning("A message named no replay; it was ignored.")
        return
    run_replay(replay_id)
