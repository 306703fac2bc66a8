"""The export bundle of one trace: its entries as hashed, its head, and how to check them (docs/trace.schema.json)."""

from typing import Any

from django.db import transaction

from accounts.clock import database_now
from traces.canonical import instant
from traces.models import Entry, Trace

SCHEMA = "remit.trace/1"


def bundle(trace: Trace) -> dict[str, Any]:
    """A self-contained bundle. Sensitive leaves are salted commitments; their values are not in it."""
    with transaction.atomic():
        head = Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        entries = list(Entry.objects.filter(trace=head).order_by("seq"))
    return {
        "schema": SCHEMA,
        "trace": head.pk,
        "workspace": {"id": head.workspace_id, "name": trace.workspace.name},
        "exported_at": instant(database_now()),
        "head": {"seq": head.head_seq, "hash": head.head_hash},
        "entries": [{"canonical": entry.canonical, "hash": entry.hash} for entry in entries],
        "check": (
            "For each entry: hash = SHA-256 of canonical (UTF-8), prev in it = hash of the entry before, seq counts from 1, "
            "and the last hash is head.hash. A value {$withheld, commitment} stands for SHA-256 of salt and value."
        ),
    }
