"""Rings the worker: a message with an action id and nothing else. Losing, doubling or forging one changes nothing (R-01)."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

TASK = "actions.run_action"
logger = logging.getLogger("remit.doorbell")


def ring(action_id: str) -> None:
    """Ring for an action once the current transaction is committed. A broker that is down loses nothing: the sweeper rings."""
    transaction.on_commit(lambda: _send(action_id))


def _send(action_id: str) -> None:
    try:
        current_app.send_task(TASK, args=[action_id], retry=False, ignore_result=True)
    except (OperationalError, OSError):
        logger.warning("The broker did not take the message for %s; the sweeper will ring again.", action_id)
