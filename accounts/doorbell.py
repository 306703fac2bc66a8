"""Rings a worker: a message with one id and nothing else. Losing, doubling or forging one changes nothing (R-01)."""

import logging
from collections.abc import Sequence

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger("remit.doorbell")


def ring(task: str, row_id: str) -> None:
    """Ring for a row once the current transaction is committed. A broker that is down loses nothing: the sweeper rings."""
    transaction.on_commit(lambda: _send(task, row_id))


def ring_each(task: str, row_ids: Sequence[str]) -> int:
    """Ring for these now; returns how many the broker took. It stops at the first it did not: a round must not wait for each."""
    for count, row_id in enumerate(row_ids):
        if not _send(task, row_id):
            return count
    return len(row_ids)


def _send(task: str, row_id: str) -> bool:
    try:
        current_app.send_task(task, args=[row_id], retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("The broker did not take the message for %s; the sweeper will ring again. %s", row_id, error)
        return False
    return True
