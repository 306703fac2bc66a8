"""Statements that PostgreSQL plans once a connection instead of once a call, where connections are kept (REMIT_DB_POOL).

Only for a path that asks the same few statements again and again. Elsewhere a plan made for any value would be worse than one
made for the value at hand, as in lists with filters.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor

# A statement is prepared when it is asked for the first time: a connection lives for a minute, so that there would be no later.
# It is planned for any value then, too (`plan_cache_mode`, console.env).
PREPARED_FROM = 0
# More than the path has, so that none is dropped to make room.
MOST_PREPARED = 400


# The kind of cursor that this thread's session had before, while its statements are planned once.
_usual: ContextVar[type[Any] | None] = ContextVar("usual_cursors", default=None)


@contextmanager
def planned_once() -> Iterator[None]:
    """What this thread asks meanwhile is sent with its values apart, and prepared. Raises OperationalError without a database.

    The connection is given back as it was: what asks next on it is not concerned.
    """
    if not connection.settings_dict["OPTIONS"].get("pool"):
        yield
        return
    _plan()
    try:
        yield
    finally:
        _plain()


@contextmanager
def plainly() -> Iterator[None]:
    """Inside `planned_once`, while the connection is given back; at the end another may be had, which is then planned on.

    Raises OperationalError where none is to be had.
    """
    if _usual.get() is None:
        yield
        return
    _plain()
    try:
        yield
    finally:
        _plan()


def _plan() -> None:
    connection.ensure_connection()
    session = connection.connection
    _usual.set(session.cursor_factory)
    session.cursor_factory = ServerBindingCursor
    session.prepare_threshold, session.prepared_max = PREPARED_FROM, MOST_PREPARED


def _plain() -> None:
    session, usual = connection.connection, _usual.get()
    _usual.set(None)
    if session is not None and usual is not None:
        session.cursor_factory, session.prepare_threshold = usual, None
