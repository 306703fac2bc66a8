"""Rings the worker for a replay: a message with its id and nothing else. Losing, doubling or forging one changes nothing."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

TASK = "policies.run_replay"
logger = logging.getLogger("remit.doorbell")


def ring(replay_id: str) -> None:
    """Ring once the current transaction is committed. A broker that is down loses nothing: the sweeper rings again."""
    transaction.on_commit(lambda: _send(replay_id))


def _send(replay_id: str) -> None:
    try:
        current_app.send_task(TASK, args=[replay_id], retry=False, ignore_result=True)
    except (OperationalError, OSError):
        logger.warning("The broker did not take the message for %s; the sweeper will ring again.", replay_id)
