"""How many requests of agents may be at work in one process, and what they leave to others while they wait.

A request that waits, for people or for the system it calls, holds no connection to the database and no place: a slow system holds
up its own callers and nobody else (P7). INVARIANT: a quarter of the connections that a process keeps (REMIT_DB_POOL), at least
one, is never an agent's, unless there is one alone. Both held by tests/gateway/test_room.py.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import OperationalError, close_old_connections, connection

from accounts.kept_statements import plainly

logger = logging.getLogger("remit.room")
# How long a new request waits for a place, as for a connection; and one that comes back with what a system answered.
WAIT_S, BACK_S = 5.0, 30.0


class Full(OperationalError):
    """No place became free in time: answered as a database is that does not answer."""


def places(kept: int) -> int:
    """For how many requests of agents there is room where so many connections are kept; at least one."""
    return max(1, kept - max(1, kept // 4))


# Whether this request has a place now.
_mine: ContextVar[bool] = ContextVar("room", default=False)
_room = threading.BoundedSemaphore(places(settings.REMIT_DB_POOL)) if settings.REMIT_DB_POOL else None


@contextmanager
def taken() -> Iterator[None]:
    """A place until the end of the block. Raises Full. Where no connections are kept there is room for everybody."""
    _enter(WAIT_S)
    try:
        yield
    finally:
        _leave()


@contextmanager
def left() -> Iterator[None]:
    """While this request waits for something else than the database: others have its place and connection.

    Nothing is left inside a transaction, nor where no place was taken. Raises Full at the end of the block.
    """
    if not _mine.get() or connection.in_atomic_block:
        yield
        return
    with plainly():
        _leave()
        try:
            yield
        finally:
            _enter(BACK_S)


def _enter(wait_s: float) -> None:
    if _room is None:
        return
    if not _room.acquire(timeout=wait_s):
        logger.warning("Every place for agents' requests was taken for %d seconds; one was refused.", wait_s)
        raise Full
    _mine.set(True)


def _leave() -> None:
    """The connection first, so that whoever comes next finds it. No place is left twice: `left` may have found none again."""
    try:
        if not connection.in_atomic_block:
            close_old_connections()
    finally:  # Also where the database is gone meanwhile: a place that is not given back is nobody's for ever.
        if _room is not None and _mine.get():
            _mine.set(False)
            _room.release()
