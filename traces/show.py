"""Reads one trace's entries and its integrity under one snapshot, for the Show work page."""

import json
from typing import Any

from django.db import transaction

from accounts.clock import database_now
from traces.checkpoints.proof import Inclusion, proof_of
from traces.ledger import Integrity, check_chain
from traces.models import Entry, Trace
from traces.redaction import erased_in, marked
from traces.story import Story, build_story
from traces.story.cut import cut_short


def show(trace: Trace, *, tab: str) -> tuple[Story, Integrity]:
    """The story, and whether the trace's ledger holds just now, in itself and under its checkpoint."""
    story, integrity, _ = show_with_proof(trace, tab=tab)
    return story, integrity


def show_with_proof(
    trace: Trace, *, tab: str, whole: bool = False, first_event: int = 1, opened: frozenset[str] = frozenset()
) -> tuple[Story, Integrity, Inclusion]:
    """The story, and the result of walking its chain and of checking it against the last checkpoint just now."""
    with transaction.atomic():
        head = Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        rows = list(Entry.objects.filter(trace=head).order_by("seq").values_list("seq", "type", "canonical", "hash"))
    parsed: list[dict[str, Any]] = []
    integrity = check_chain(
        rows, trace_id=head.pk, head_seq=head.head_seq, head_hash=head.head_hash, read=lambda text: _kept(parsed, text)
    )
    sound = rows if integrity.ok or integrity.record is None else rows[: max(integrity.record - 1, 1)]
    if not parsed:  # The first record does not hold: it is shown as it stands, under the banner that says so.
        _kept(parsed, rows[0][2])
    records = [(record, digest) for record, (*_, digest) in zip(parsed, sound, strict=False)]
    gone = erased_in(record for record, _ in records)
    told: list[Any] = [(marked(record, gone), digest) for record, digest in records] if gone else records
    inclusion = proof_of(head)
    story = build_story(
        trace_id=trace.pk, rows=told, tab=tab, now=database_now(), whole=whole, first_event=first_event, opened=opened
    )  # fmt: skip
    told_of = story if integrity.ok else cut_short(story, held=len(records))
    return told_of, _joined(integrity, inclusion), inclusion


def _kept(parsed: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """Parse a record once, for the walk and for the story."""
    parsed.append(json.loads(text))
    return parsed[-1]


def _joined(chain: Integrity, inclusion: Inclusion) -> Integrity:
    """A chain that holds in itself but not under its checkpoint does not hold."""
    if not chain.ok or inclusion.state != "broken":
        return chain
    return Integrity(
        False, chain.records, chain.head, inclusion.sentence, inclusion.records or None, inclusion.expected,
        inclusion.found,
    )  # fmt: skip


def integrity_panel(found: Integrity, inclusion: Inclusion) -> dict[str, Any]:
    """What the integrity card shows."""
    holds = f"{found.records:,} records, no gaps. Each record's hash covers the one before it."
    return {
        "ok": found.ok,
        "records": found.records,
        "head": found.head,
        "checked_at": database_now(),
        "detail": holds if found.ok else (found.problem or ""),
        "problem": None if found.ok else found,
        "checkpoint": inclusion if inclusion.number is not None else None,
        "inclusion": inclusion.sentence,
    }
