"""A database with all migrations, made once on a server and copied: they take a quarter of a minute each time, a copy a second.

Named after the migrations' own text, so that a changed migration makes another. The newest few are kept.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django
import psycopg
from psycopg import sql

ROOT = Path(__file__).parents[1]
PREFIX = "remit_template_"
HALF = "half_"
KEPT = 5
# Of the advisory lock: one process makes it, the others wait. Any number that nothing else on the server uses.
TURN = 7_366_412


def template() -> str:
    """The name of a database that nobody is connected to, for `CREATE DATABASE … TEMPLATE`."""
    name = PREFIX + _digest()
    with psycopg.connect(_of("postgres"), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [TURN])
        if name not in _made(server):
            _make(server, name)
            _drop_old(server)
    return name


def copy_as(name: str) -> str:
    """A fresh, migrated database of this name on the server of the tests; returns its address."""
    with psycopg.connect(_of("postgres"), autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template()))
        )
    return _of(name)


def _of(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _digest() -> str:
    """Of every migration that is ours, and of Django's release, which brings its own."""
    digest = hashlib.sha256(django.__version__.encode())
    for path in sorted(ROOT.glob("[a-z]*/**/migrations/*.py")):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _made(server: psycopg.Connection) -> list[str]:
    """Newest first."""
    return _named(server, PREFIX)


def _named(server: psycopg.Connection, prefix: str) -> list[str]:
    found = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC", [prefix])
    return [row[0] for row in found]


def _make(server: psycopg.Connection, name: str) -> None:
    """Under another name until it is whole: one that was cut off is never copied."""
    half = HALF + name
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(half)))
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(half)))
    env = {**os.environ, "DATABASE_URL": _of(half), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "manage.py", "migrate", "-v", "0"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(half), sql.Identifier(name)))


def _drop_old(server: psycopg.Connection) -> None:
    """With the turn held nobody makes one, so what is half made was left by a process that was killed."""
    for name in [*_made(server)[KEPT:], *_named(server, HALF + PREFIX)]:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
