"""The desk's own SQLite file: records with versions, history, refunds, mail, tokens. A foreign system, not Remit's data."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sample.desk.seed import RECORDS

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (kind TEXT, id TEXT, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS history (kind TEXT, id TEXT, at TEXT, who TEXT, field TEXT, old TEXT, new TEXT);
CREATE TABLE IF NOT EXISTS idempotency (key TEXT PRIMARY KEY, path TEXT, body TEXT, status INTEGER, answer TEXT);
CREATE TABLE IF NOT EXISTS token (id TEXT PRIMARY KEY, digest TEXT UNIQUE, scope TEXT, record TEXT, reference TEXT,
  issued_at REAL, expires_at REAL, ttl INTEGER, writes INTEGER DEFAULT 0, revoked_at REAL);
CREATE TABLE IF NOT EXISTS token_use (token_id TEXT, at REAL, method TEXT, path TEXT);
"""


class Store:
    """One connection, one writer at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / "desk.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)
        if not self._db.execute("SELECT 1 FROM record LIMIT 1").fetchone():
            self.seed()

    def seed(self) -> None:
        """Write the sample records at version 1; tokens in use stay valid."""
        with self.transaction():
            for table in ("record", "history", "idempotency"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a fixed list of table names
            for kind, rows in RECORDS.items():
                for row in rows:
                    self.put(kind, row["id"], row, version=1)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def get(self, kind: str, id_: str) -> tuple[dict[str, Any], int] | None:
        """A record and its version."""
        with self._lock:
            row = self._db.execute("SELECT body, version FROM record WHERE kind=? AND id=?", (kind, id_)).fetchone()
        return (json.loads(row["body"]), row["version"]) if row else None

    def put(self, kind: str, id_: str, body: dict[str, Any], *, version: int) -> None:
        """Write a record at a version."""
        self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", (kind, id_, version, json.dumps(body)))

    def where(self, kind: str, **equal: str) -> list[dict[str, Any]]:
        """Records of a kind whose fields equal the given texts."""
        with self._lock:
            rows = self._db.execute("SELECT body FROM record WHERE kind=? ORDER BY id", (kind,)).fetchall()
        found = [json.loads(row["body"]) for row in rows]
        return [body for body in found if all(str(body.get(name)) == value for name, value in equal.items())]

    def query(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a fixed statement."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()
