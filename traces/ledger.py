"""Appends to and verifies per-trace hash chains. Nothing else writes `Entry` rows.

INVARIANT: an entry is written in the transaction of the state change it records, under the trace's row lock, so a chain
never forks (R-41). Held by tests/traces/test_ledger.py.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.actors import Actor
from accounts.writes import change
from traces.canonical import canonical_bytes, canonical_text, instant, sha256_hex
from traces.entry_types import TOLD, label
from traces.facets import facets_of
from traces.models import GENESIS, Entry, Trace, WithheldValue
from traces.notices.models import Untold
from traces.waiting import SETTLED, settled_wait_s

VERSION = 1


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A leaf that must not stand in the ledger in clear; `kind` says what it is ("email", "card number")."""

    value: Any
    kind: str


@dataclass(slots=True)
class _Commitments:
    rows: list[dict[str, str]] = field(default_factory=list)

    def replace(self, value: Any) -> Any:
        """The same value with every `Sensitive` leaf replaced by its salted commitment (R-42)."""
        if isinstance(value, Sensitive):
            return self._commit(value)
        if isinstance(value, Mapping):
            return {str(key): self.replace(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.replace(item) for item in value]
        return value

    def _commit(self, leaf: Sensitive) -> dict[str, str]:
        salt = secrets.token_hex(16)
        text = canonical_text(leaf.value)
        commitment = commit(salt, text)
        self.rows.append({"commitment": commitment, "kind": leaf.kind, "salt": salt, "value": text})
        return {"$withheld": leaf.kind, "commitment": commitment}


def commit(salt: str, canonical_value: str) -> str:
    """SHA-256 of salt bytes followed by the value's RFC 8785 text."""
    return sha256_hex(bytes.fromhex(salt) + canonical_value.encode("utf-8"))


@dataclass(slots=True)
class Held:
    """A trace whose row is ours until the transaction ends: where its chain ends, and when that was read or last written."""

    trace_id: str
    seq: int
    head: str
    facets: list[str]
    at: datetime


# What time it is once the row is ours: the clock is asked outside the part that waits.
HOLD = """
WITH held AS MATERIALIZED (SELECT id, head_seq, head_hash, facets FROM traces_trace WHERE id = %s FOR UPDATE)
SELECT id, head_seq, head_hash, facets, clock_timestamp() FROM held
"""


def held_trace(trace_id: str) -> Held:
    """The trace as it is once its row is ours, until the transaction ends. Raises Trace.DoesNotExist.

    It may be given to `append` in this transaction, and no longer once a savepoint of it was taken back.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A trace is held in a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [trace_id])
        found = cursor.fetchone()
    if found is None:
        raise Trace.DoesNotExist(f"There is no trace {trace_id}.")
    return Held(*found)


def append(*, actor: Actor, trace_id: str, type: str, body: Mapping[str, Any], held: Held | None = None) -> Entry:
    """Write one entry at the end of a trace's chain and move its head. `held`: the trace is the caller's already.

    Must run inside the transaction that makes the change; raises RuntimeError outside one and for a `held` that is not where
    the chain ends, UnknownEntryType for a verb that is not registered, ValueError for a body that RFC 8785 cannot carry.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A ledger entry is written in the transaction of the change it records.")
    label(type)
    end = held_trace(trace_id) if held is None else held
    if end.trace_id != trace_id:
        raise RuntimeError(f"The trace that is held is {end.trace_id}, not {trace_id}.")
    commitments = _Commitments()
    record = {
        "v": VERSION,
        "trace": trace_id,
        "seq": end.seq + 1,
        "at": instant(end.at),
        "type": type,
        "actor": {"kind": actor.kind, "id": actor.id, "name": actor.name},
        "body": commitments.replace(body),
        "prev": end.head,
    }
    canonical = canonical_bytes(record)
    entry = _written(
        end,
        Entry(
            trace_id=trace_id, seq=record["seq"], at=end.at, type=type, canonical=canonical.decode(),
            hash=sha256_hex(canonical),
        )
    )  # fmt: skip
    if commitments.rows:
        WithheldValue.objects.bulk_create(WithheldValue(entry=entry, **row) for row in commitments.rows)
    if type in TOLD:
        Untold.objects.create(entry=entry)
    more: dict[str, Any] = {}
    fresh = facets_of(record).difference(end.facets)
    if fresh:
        end.facets = [*end.facets, *sorted(fresh)]
        more["facets"] = end.facets
    if type == SETTLED:
        more["waited_s"] = settled_wait_s(trace_id)
    if more:
        change(Trace, {"id": trace_id}, more)
    return entry


# An entry and the head that names it, never one without the other: one statement. Nothing is written behind another end than
# the one that the entry names.
WRITE = """
WITH moved AS (
  UPDATE traces_trace SET head_seq = %(seq)s, head_hash = %(hash)s, updated_at = %(at)s
  WHERE id = %(trace)s AND head_seq = %(seq)s - 1 AND head_hash = %(prev)s RETURNING id
), made AS (
  INSERT INTO traces_entry (trace_id, seq, at, type, canonical, hash)
  SELECT id, %(seq)s, %(at)s, %(type)s, %(text)s, %(hash)s FROM moved RETURNING id
)
SELECT id, clock_timestamp() FROM made
"""


def _written(end: Held, entry: Entry) -> Entry:
    """INVARIANT: a chain goes on where it ends, also for a writer that was told another end. Held by
    tests/traces/test_held.py.
    """
    values: dict[str, Any] = {
        "trace": entry.trace_id, "seq": entry.seq, "at": entry.at, "type": entry.type, "text": entry.canonical,
        "hash": entry.hash, "prev": end.head,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)
        made = cursor.fetchone()
    if made is None:
        raise RuntimeError(f"The chain of {end.trace_id} does not end at record {end.seq} any more.")
    entry.pk, end.at = made
    end.seq, end.head = entry.seq, entry.hash
    entry._state.adding, entry._state.db = False, connection.alias
    return entry


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a walk over one chain found. `problem` names the first record that does not hold."""

    ok: bool
    records: int
    head: str
    problem: str | None = None
    record: int | None = None
    expected: str | None = None
    found: str | None = None


def check_chain(
    rows: Iterable[tuple[int, str, str, str]],
    *,
    trace_id: str,
    head_seq: int,
    head_hash: str,
    after: tuple[int, str] = (0, GENESIS),
    read: Callable[[str], dict[str, Any]] = json.loads,
) -> Integrity:
    """Verify `(seq, type, canonical, hash)` rows in order against the head registered beside them.

    `after` is the seq and hash of a record already checked; rows begin behind it. `read` parses a record whose hash holds, for
    callers that keep it. Finds an edit, deletion, insertion, swap,
    duplicate and a cut tail (R-40, as far as the registered head is trusted: signed checkpoints take that trust away).
    """
    count, prev = after
    for seq, type_, canonical, stored in rows:
        count += 1
        found = sha256_hex(canonical.encode("utf-8"))
        if found != stored:
            return Integrity(
                False, count, stored, f"Record {seq} was changed after it was written.", seq, stored, found
            )
        record = read(canonical)
        if record.get("prev") != prev:
            problem = f"Record {seq} does not follow the record before it."
            return Integrity(False, count, stored, problem, seq, prev, str(record.get("prev")))
        if (record.get("seq"), record.get("type"), record.get("trace")) != (count, type_, trace_id) or seq != count:
            problem = f"Record {seq} is not the record its place says it is."
            return Integrity(False, count, stored, problem, seq, str(count), str(record.get("seq")))
        prev = stored
    if (count, prev) != (head_seq, head_hash):
        problem = f"The chain ends at record {count}, but its registered head is record {head_seq}."
        return Integrity(False, count, prev, problem, count, head_hash, prev)
    return Integrity(True, count, prev)


def verify(trace: Trace) -> Integrity:
    """Walk the stored chain of one trace, under one snapshot."""
    with transaction.atomic():
        head = Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
        rows = list(Entry.objects.filter(trace=head).order_by("seq").values_list("seq", "type", "canonical", "hash"))
    return check_chain(rows, trace_id=head.pk, head_seq=head.head_seq, head_hash=head.head_hash)
