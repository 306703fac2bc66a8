"""Shows one withheld value to a person who may see it: only with a reason, and only once the ledger says who looked at what.

INVARIANT: no value is given out without its entry in the same transaction. Held by tests/traces/test_reveal.py.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.access import require
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Permission
from traces.entry_types import label
from traces.ledger import append, commit
from traces.models import Trace, WithheldValue

PAGE = 50
LEAST_REASON = 10


class RevealRefused(ValueError):
    """A value that cannot be shown; the message says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One withheld value that somebody may still see: its kind, and the record and field it stands in."""

    commitment: str
    kind: str
    seq: int
    at: datetime
    did: str
    place: str


@dataclass(frozen=True, slots=True)
class Revealed:
    """The value itself, and where it stands."""

    kept: Kept
    value: Any


def kept_values(trace: Trace, number: int) -> tuple[list[Kept], bool]:
    """A page of a trace's withheld values in the order of its records, and whether more follow. Those erased are gone."""
    rows = WithheldValue.objects.filter(entry__trace=trace).select_related("entry").order_by("entry__seq", "pk")
    start = (number - 1) * PAGE
    found = list(rows[start : start + PAGE + 1])
    return [_kept(row) for row in found[:PAGE]], len(found) > PAGE


def reveal(*, actor: Actor, user: User, trace: Trace, commitment: str, reason: str) -> Revealed:
    """One value, written down in the trace's chain first. Raises Forbidden, NotVisible or RevealRefused."""
    require(user, Permission.REVEAL, trace.workspace)
    reason = " ".join(reason.split())
    if len(reason) < LEAST_REASON:
        raise RevealRefused(f"Say why in {LEAST_REASON} characters or more. Nothing was shown.")
    with transaction.atomic():
        Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)  # So that an erasure comes first, or after.
        row = WithheldValue.objects.select_related("entry").filter(entry__trace=trace, commitment=commitment).first()
        if row is None:
            raise RevealRefused("This value is not kept any more, or never stood in this trace. Nothing was shown.")
        if commit(row.salt, row.value) != commitment:
            raise RevealRefused("What is kept is not what the ledger committed to. Tell whoever runs Remit.")
        kept = _kept(row)
        body = {"kind": kept.kind, "record": kept.seq, "place": kept.place, "reason": reason[:500]}
        append(actor=actor, trace_id=trace.pk, type="trace.revealed", body={**body, "commitment": commitment})
    return Revealed(kept, json.loads(row.value))


def _kept(row: WithheldValue) -> Kept:
    entry = row.entry
    place = next((".".join(path) for path in _paths(entry.record["body"], row.commitment)), "")
    return Kept(row.commitment, row.kind, entry.seq, entry.at, label(entry.type), place)


def _paths(value: Any, commitment: str) -> Iterator[list[str]]:
    """Where a commitment stands in a body, as names and numbers from its top."""
    if isinstance(value, Mapping):
        if value.get("commitment") == commitment and "$withheld" in value:
            yield []
            return
        inside = list(value.items())
    else:
        inside = [(str(number), item) for number, item in enumerate(value, 1)] if isinstance(value, list) else []
    for name, item in inside:
        for path in _paths(item, commitment):
            yield [str(name), *path]
