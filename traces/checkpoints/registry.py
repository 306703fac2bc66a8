"""The registry of chains: which heads each log has registered, and which are new. Compares hashes, never sizes alone (R-40)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.clock import database_now
from traces.checkpoints.errors import LedgerBroken
from traces.ledger import check_chain
from traces.models import GENESIS, Checkpoint, Entry, Log
from verify.remit_verify import sha_hex

REGISTRY = "registry"
BATCH = 500
DIFFERENCES = """
WITH registered AS (
  SELECT DISTINCT ON (subject) subject, seq, head FROM traces_leaf WHERE log_id = %s ORDER BY subject, seq DESC
), present AS (
  SELECT id, head_seq, head_hash FROM traces_trace WHERE workspace_id = %s AND (head_seq > 0 OR head_hash <> %s)
)
SELECT COALESCE(p.id, r.subject), p.head_seq, p.head_hash, r.seq, r.head
FROM present p FULL JOIN registered r ON r.subject = p.id
WHERE p.id IS NULL OR r.subject IS NULL OR r.seq <> p.head_seq OR r.head <> p.head_hash
ORDER BY 1
"""
LATEST = """
SELECT DISTINCT ON (subject) subject, seq, head FROM traces_leaf WHERE log_id = %s ORDER BY subject, seq DESC
"""


@dataclass(frozen=True, slots=True)
class Head:
    """A head to register: the leaf's text and what it stands for. `grown` counts the entries it adds."""

    subject: str
    seq: int
    head: str
    text: str
    grown: int


def registry_log() -> Log:
    """The registry, made at first use. Its id names the deployment."""
    found = Log.objects.filter(workspace=None).first()
    if found is None:
        log = Log(workspace=None, created_at=database_now())
        log.origin = f"remit/{log.pk}/{REGISTRY}"
        Log.objects.bulk_create([log], ignore_conflicts=True)
        found = Log.objects.get(workspace=None)
    return found


def deployment() -> str:
    """`remit/<id>`: what every origin of this deployment begins with."""
    return f"remit/{registry_log().pk}"


def log_of(workspace_id: str) -> Log:
    """A workspace's log, made at first use."""
    found = Log.objects.filter(workspace_id=workspace_id).first()
    if found is None:
        log = Log(workspace_id=workspace_id, origin=f"{deployment()}/{workspace_id}", created_at=database_now())
        with transaction.atomic():
            Log.objects.bulk_create([log], ignore_conflicts=True)
        found = Log.objects.get(workspace_id=workspace_id)
    return found


def latest(log: Log) -> Checkpoint | None:
    """The last checkpoint of a log."""
    return Checkpoint.objects.filter(log=log).order_by("-number").first()


def signed_at(log: Log, last: Checkpoint) -> datetime | None:
    """When the last checkpoint was signed: its own signed time, unless the clock stepped back since.

    Then that time lies ahead, and says nothing until the clock has caught up; the log remembers what the clock said. None where
    it does not.
    """
    return signed_since(last.at, log.signed_at, database_now())


def signed_since(last: datetime, remembered: datetime | None, now: datetime) -> datetime | None:
    """The same of what was read at one instant: the last checkpoint's own time, what the log remembers, the clock."""
    return last if last <= now else remembered


def new_trace_heads(log: Log) -> list[Head]:
    """Heads that moved since they were registered, each a proven extension. Raises LedgerBroken with the first that is not."""
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES, [log.pk, log.workspace_id, GENESIS])
        rows = cursor.fetchall()
    for trace, seq, head, old_seq, _ in rows:
        if seq is None:
            raise LedgerBroken(f"Trace {trace} was registered with {old_seq} records and is gone.")
        if old_seq is not None and seq <= old_seq:
            raise LedgerBroken(
                f"Trace {trace} ends at record {seq} ({head[:12]}…), but record {old_seq} was registered."
            )
    for trace, seq, head, old_seq, old_head in rows:
        if old_seq is not None:
            _prove(trace, seq, head, _entries([trace], old_seq), after=(old_seq, old_head))
    fresh = [row for row in rows if row[3] is None]
    for start in range(0, len(fresh), BATCH):
        _prove_fresh(fresh[start : start + BATCH])
    return [
        Head(trace, seq, head, f"{sha_hex(trace)} {seq} {head}", seq - (old_seq or 0))
        for trace, seq, head, old_seq, _ in rows
    ]


Row = tuple[str, int, str, str, str]


def _entries(traces: Sequence[str], after: int) -> Iterator[Row]:
    found = Entry.objects.filter(trace_id__in=traces, seq__gt=after).order_by("trace_id", "seq")
    return found.values_list("trace_id", "seq", "type", "canonical", "hash").iterator(chunk_size=2000)


def _prove_fresh(rows: Sequence[tuple[str, int, str, None, None]]) -> None:
    entries: dict[str, list[Row]] = {row[0]: [] for row in rows}
    for entry in _entries(list(entries), 0):
        entries[entry[0]].append(entry)
    for trace, seq, head, _, _ in rows:
        _prove(trace, seq, head, iter(entries[trace]), after=(0, GENESIS))


def _prove(trace: str, seq: int, head: str, rows: Iterator[Row], *, after: tuple[int, str]) -> None:
    # Entries that were added after the head was read belong to the next checkpoint.
    known = (row[1:] for row in rows if row[1] <= seq)
    found = check_chain(known, trace_id=trace, head_seq=seq, head_hash=head, after=after)
    if not found.ok:
        raise LedgerBroken(f"Trace {trace}: {found.problem}")


def new_workspace_heads(log: Log) -> list[Head]:
    """Workspaces whose tree grew since the registry saw it. Raises LedgerBroken when one is gone or went back."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [log.pk])
        seen = {subject: (seq, head) for subject, seq, head in cursor.fetchall()}
    heads, present = [], set()
    for found in Log.objects.filter(workspace__isnull=False).order_by("workspace_id"):
        workspace, point = str(found.workspace_id), latest(found)
        present.add(workspace)
        seq, root = seen.get(workspace, (0, ""))
        if point is None or point.number < seq:
            if seq:
                raise LedgerBroken(f"Workspace {workspace} ends before its checkpoint {seq}, which was registered.")
            continue
        if point.root != root:
            text = f"{sha_hex(workspace)} {point.number} {point.size} {point.root}"
            heads.append(Head(workspace, point.number, point.root, text, 0))
    gone = sorted(set(seen) - present)
    if gone:
        raise LedgerBroken(f"Workspace {gone[0]} was registered and is gone.")
    return heads
