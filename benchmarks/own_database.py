"""A database of a benchmark's own, beside that of DATABASE_URL and gone at the end."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@contextmanager
def own_database(url: str, kept: str = "") -> Iterator[str]:
    """The address of a new, migrated database on the same server. Dropped when the block ends, also by an error.

    One to be `kept` has that name: it is made where it is missing, migrated, and left for the next run.
    """
    name = kept or f"remit_bench_{os.getpid()}"
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as beside:
        if not kept or not _is_there(beside, kept):
            beside.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            own = urlunsplit(parts._replace(path=f"/{name}"))
            inside(own, ["manage.py", "migrate", "-v", "0"])
            yield own
        finally:
            if not kept:
                beside.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _is_there(beside: psycopg.Connection, name: str) -> bool:
    return beside.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def inside(url: str, arguments: Sequence[str]) -> None:
    """Run Python with that database. Raises SystemExit with its exit code where that is not 0."""
    done = subprocess.run([sys.executable, *arguments], env={**os.environ, "DATABASE_URL": url})  # noqa: S603 - our own words
    if done.returncode:
        raise SystemExit(done.returncode)
