"""Ledgers for tests: traces that grow, checkpoints, bundles, and an attacker who holds the database."""

import contextlib
from pathlib import Path

from django.db import connection, transaction

from tests.builders import opened
from traces.ledger import append
from verify.remit_verify import verify

GUARDED = ["entry", "leaf", "treenode", "checkpoint", "log", "signingkey", "withheldvalue"]


def grow(cast, trace, count=5, start=0):
    """More records at the end of a trace."""
    for number in range(start, start + count):
        with transaction.atomic():
            append(actor=cast.agent_actor, trace_id=trace.pk, type="trace.refused", body={"n": number})
    trace.refresh_from_db()
    return trace


def grown(cast, count=5):
    return grow(cast, opened(cast), count)


@contextlib.contextmanager
def attacker():
    """A cursor that no trigger stops: what a superuser of the database can do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


def judged(path, *anchors, key=None):
    return verify(Path(path), [Path(anchor) for anchor in anchors], key)


def held(tmp_path, point, name="anchor.txt"):
    """What an auditor keeps: one checkpoint in a file."""
    file = Path(tmp_path) / name
    file.write_text(point.note, encoding="utf-8")
    return file
