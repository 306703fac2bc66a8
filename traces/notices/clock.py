"""The notices clock: put new entries into words, then send what is due, each channel on its own.

Safe in several processes at once. A channel that hangs holds one thread for at most an attempt's time, and then backs off.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from django.conf import settings
from django.db import OperationalError, close_old_connections, connections

from traces.notices.models import Delivery
from traces.notices.project import project, tell_of_checkpoints
from traces.notices.send import due, send

logger = logging.getLogger("remit.notices")
THREADS = 8
# Messages of one channel in a row, before other channels have their turn.
AT_ONCE = 50


def run(stop: Event) -> None:
    """Until stopped. A round that fails for the database is said and tried again; anything else ends the process visibly."""
    sending: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="notice") as pool:
        while not stop.is_set():
            close_old_connections()
            try:
                round_(pool, sending)
            except OperationalError as error:
                logger.warning("The database did not answer, so this round was skipped: %s", error)
            stop.wait(settings.REMIT_NOTICE_S)


def round_(pool: ThreadPoolExecutor, sending: dict[str, "Future[None]"]) -> None:
    """Project, then hand to the pool as many messages as it has threads free. `sending` is what it has now."""
    project()
    tell_of_checkpoints()
    for delivery_id in [one for one, future in sending.items() if future.done()]:
        sending.pop(delivery_id).result()
    for delivery_id in due(most=THREADS * 2):
        if len(sending) < THREADS and delivery_id not in sending:
            sending[delivery_id] = pool.submit(_send, delivery_id)


def _send(delivery_id: str) -> None:
    """One message, then what else that channel has due while it takes them. On a connection of its own, which ends with it."""
    try:
        for _ in range(AT_ONCE):
            sent = send(delivery_id)
            more = due(most=1, channel_id=sent.channel_id) if sent.state == Delivery.State.SENT else []
            if not more:
                return
            delivery_id = more[0]
    except OperationalError as error:
        logger.warning("The database did not answer; %s is sent later: %s", delivery_id, error)
    except Exception:  # One message must not end the clock; its claim runs out, and its attempts are counted.
        logger.exception("Message %s could not be sent.", delivery_id)
    finally:
        connections.close_all()


def settle_now() -> int:
    """One round without threads, for `--once`: everything that is due now. Gives how many messages were tried."""
    project()
    tell_of_checkpoints()
    count = 0
    while ids := due():
        for delivery_id in ids:
            send(delivery_id)
            count += 1
    return count
