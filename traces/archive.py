"""A month leaves: its traces as a signed bundle with their values, which are then dropped here. Entries and heads stay.

The entries table is not partitioned: moving it would rewrite every row under the ledger's own triggers. What a month's leaving is
for, values out of the database and a bundle that proves itself, is had without (docs/ledger.md).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from accounts.actors import Actor
from accounts.clock import database_now
from traces.bundles.write import Written, write_traces
from traces.models import Trace
from traces.redaction import Redacted, drop_values
from verify.remit_verify import load, verify

OPEN = (Trace.Outcome.RUNNING, Trace.Outcome.WAITING, Trace.Outcome.UNKNOWN)


class ArchiveRefused(ValueError):
    """The month cannot leave; the sentence says why. Nothing was dropped."""


@dataclass(frozen=True, slots=True)
class Archived:
    """The bundle and what was dropped."""

    written: Written
    traces: int
    dropped: Redacted


def archive_month(*, actor: Actor, workspace_id: str, month: str, out: Path) -> Archived:
    """Write the bundle of traces that ended in `month` (2026-09), check it as a stranger would, then drop their values.

    Raises ArchiveRefused, FileExistsError, CheckpointFailed.
    """
    start, end = _bounds(month)
    if database_now() < end:
        raise ArchiveRefused(f"{month} is not over.")
    ended = Trace.objects.filter(workspace_id=workspace_id, updated_at__gte=start, updated_at__lt=end)
    traces = list(ended.filter(kind=Trace.Kind.WORK).exclude(outcome__in=OPEN).values_list("pk", flat=True))
    if not traces:
        raise ArchiveRefused(f"No trace ended in {month}.")
    written = write_traces(out, workspace_id, traces, with_values=True)
    held, sentence = (False, written.warning) if written.warning else verify(written.path)
    if not held:
        raise ArchiveRefused(f"The bundle does not hold, so nothing was dropped: {sentence}")
    act: dict[str, object] = {"month": month, "manifest": written.manifest, "reason": f"Left in the bundle of {month}"}
    left = _commitments(written.path)
    dropped = drop_values(actor=actor, workspace_id=workspace_id, commitments=left, type="archive.made", act=act)
    return Archived(written, len(traces), dropped)


def _commitments(bundle: Path) -> set[str]:
    """What lies in the bundle as it was written. INVARIANT: nothing else is dropped, such as what was added meanwhile.

    Held by tests/traces/test_archive.py.
    """
    return {row["commitment"] for row in load(bundle).withheld}


def _bounds(month: str) -> tuple[datetime, datetime]:
    try:
        start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise ArchiveRefused(f"{month} is not a month. Write it as 2026-09.") from error
    return start, start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
