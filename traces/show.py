"""Reads one trace's entries and its integrity under one snapshot, for the Show work page."""

import json
from typing import Any

from django.db import transaction

from accounts.clock import database_now
from traces.ledger import Integrity, check_chain
from traces.models import Entry, Trace
from traces.story import Story, build_story


def show(trace: Trace, *, tab: str) -> tuple[Story, Integrity]:
    """The story and the result of walking its chain just now."""
    with transaction.atomic():
        head = Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        rows = list(Entry.objects.filter(trace=head).order_by("seq").values_list("seq", "type", "canonical", "hash"))
    integrity = check_chain(rows, trace_id=head.pk, head_seq=head.head_seq, head_hash=head.head_hash)
    sound = rows if integrity.ok or integrity.record is None else rows[: max(integrity.record - 1, 1)]
    records = [(json.loads(canonical), digest) for _, _, canonical, digest in sound]
    return build_story(trace_id=trace.pk, rows=records, tab=tab, now=database_now()), integrity


def integrity_panel(found: Integrity) -> dict[str, Any]:
    """What the integrity card shows."""
    holds = f"{found.records} records, no gaps. Each record's hash covers the one before it."
    return {
        "ok": found.ok,
        "records": found.records,
        "head": found.head,
        "checked_at": database_now(),
        "detail": holds if found.ok else (found.problem or ""),
        "problem": None if found.ok else found,
    }
