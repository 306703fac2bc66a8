"""What a fixture made in the database, kept as rows: made once by the real services, then copied for each test.

Making the cast takes 900 statements, and copying it back takes one per table. A test cannot tell the difference, because rows,
keys and instants are the same; sequences are never given back by PostgreSQL, so a new row never meets a copied key.
"""

import copy
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

# Older rows would be chains without a checkpoint for longer than dispatch allows (REMIT_CHECKPOINT_ALARM_S).
FRESH_S = 200.0
# Bytes. A database of the tests has some 25 MB.
WORN = 100_000_000
# Django makes these itself, and they stay.
OF_DJANGO = ("django_migrations", "django_content_type", "auth_permission")


@dataclass(frozen=True)
class Snapshot:
    """`rows` is COPY text by table, `made` what the fixture returned, `ground` the rows of Django they point to."""

    made: Any
    rows: dict[str, bytes]
    ground: bytes
    until: float


_kept: dict[str, Snapshot] = {}


def restored(name: str, make: Callable[[], Any]) -> Any:
    """What `make` returns, with its rows in the database. Made by `make` at first, when its ground moved, and when it is old."""
    ground = b"".join(_rows(table) for table in OF_DJANGO[1:])
    kept = _kept.get(name)
    if kept is None or kept.ground != ground or time.monotonic() > kept.until:
        kept = _kept[name] = _taken(make, ground)
    else:
        _put(kept.rows)
    return copy.deepcopy(kept.made)


def emptied() -> None:
    """No row but Django's own is left, once whoever still writes has ended.

    Deleted and rolled back rows stay in the files until a vacuum, which a server may never run; TRUNCATE drops them.
    """
    tables = [f'"{table}"' for table in _tables()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT pg_database_size(current_database())")
        if cursor.fetchone()[0] > WORN:
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
        else:
            cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))  # noqa: S608 - names from the catalogue
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def _taken(make: Callable[[], Any], ground: bytes) -> Snapshot:
    before = {table: _rows(table) for table in _tables()}
    with transaction.atomic():
        made = make()
    after = {table: _rows(table) for table in _tables()}
    return Snapshot(
        made, {table: _added(before[table], after[table]) for table in after}, ground, time.monotonic() + FRESH_S
    )


def _added(before: bytes, after: bytes) -> bytes:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if set(old) - set(new):
        raise RuntimeError("A fixture changed rows that were there before; it cannot be kept as rows.")
    return b"".join(line for line in new if line not in set(old))


def _tables() -> list[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.table_names(cursor)
    return [table for table in found if table not in OF_DJANGO]


def _rows(table: str) -> bytes:
    found = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" TO STDOUT') as rows:
        for block in rows:
            found.write(block)
    return found.getvalue()


def _put(rows: dict[str, bytes]) -> None:
    """The rows were checked when they were made, so triggers and foreign keys rest while they are copied."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, lines in rows.items():
            if lines:
                with cursor.copy(f'COPY "{table}" FROM STDIN') as into:
                    into.write(lines)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
