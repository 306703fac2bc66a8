"""A month leaves as a signed bundle, and nothing is dropped that is not in it (E-02, docs/decisions/0012)."""

import json
import zipfile
from datetime import timedelta

import pytest

from accounts.actors import system_actor
from accounts.clock import database_now
from tests.builders import planned, request_of, vote, work
from tests.traces.ledgers import attacker, held, judged
from tests.traces.test_redaction import acts, told
from traces import archive
from traces.archive import ArchiveRefused, archive_month
from traces.bundles.write import write_traces, write_workspace
from traces.checkpoints.take import checkpoint_workspace
from traces.models import Entry, Trace, WithheldValue

ACTOR = system_actor("tests", "")


def finished(cast) -> Trace:
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, "desk.refund.create"), first)
    work(trace)
    vote(cast, request_of(trace, "desk.mail.send"), "maya")
    work(trace)
    trace.refresh_from_db()
    assert trace.outcome == Trace.Outcome.COMPLETED
    return trace


@pytest.fixture
def last_month(cast):
    """A finished trace whose last record is of last month, and that month."""
    trace, then = finished(cast), database_now().replace(day=1) - timedelta(days=10)
    Trace.objects.filter(pk=trace.pk).update(updated_at=then)
    return trace, f"{then:%Y-%m}"


def leave(cast, month, out):
    return archive_month(actor=ACTOR, workspace_id=cast.northwind.pk, month=month, out=out)


def test_a_month_that_is_not_over_or_has_nothing_left_does_not_leave(cast, last_month, tmp_path):
    _, month = last_month
    with pytest.raises(ArchiveRefused, match="is not over"):
        leave(cast, f"{database_now():%Y-%m}", tmp_path / "x")
    made = leave(cast, month, tmp_path / "m.zip")
    (act,) = acts("archive.made")
    assert (made.traces, act["month"], act["manifest"]) == (1, month, made.written.manifest)
    with pytest.raises(ArchiveRefused, match="No trace ended"):
        leave(cast, month, tmp_path / "again.zip")


def test_entries_and_heads_stay_and_an_old_checkpoint_still_holds_the_whole_workspace(cast, last_month, tmp_path):
    trace, month = last_month
    anchor, before = held(tmp_path, checkpoint_workspace(cast.northwind.pk)), Entry.objects.filter(trace=trace).count()
    leave(cast, month, tmp_path / "m.zip")
    assert Entry.objects.filter(trace=trace).count() == before + 1, "Only the record that says what was dropped is new."
    assert judged(write_workspace(tmp_path / "after", cast.northwind.pk).path, anchor)[0]
    assert judged(tmp_path / "m.zip", anchor)[0]


def test_the_bundle_has_every_value_that_is_dropped(cast, last_month, tmp_path):
    trace, month = last_month
    values = dict(WithheldValue.objects.filter(entry__trace=trace).values_list("commitment", "value"))
    leave(cast, month, tmp_path / "m.zip")
    with zipfile.ZipFile(tmp_path / "m.zip") as bundle:
        rows = [json.loads(line) for line in bundle.read("withheld.jsonl").decode().splitlines()]
    assert {row["commitment"]: row["value"] for row in rows} == values and values
    assert acts("archive.made")[0]["values"] == len(values)


def test_what_is_written_while_the_bundle_is_made_is_not_dropped(cast, last_month, tmp_path, monkeypatch):
    """Between the bundle and the drop somebody adds a record with a value: it is in no bundle, so it stays."""
    trace, month = last_month

    def slow(*given, **more):
        written = write_traces(*given, **more)
        told(cast, trace, "late@birch.example")
        return written

    monkeypatch.setattr(archive, "write_traces", slow)
    leave(cast, month, tmp_path / "m")
    assert list(WithheldValue.objects.filter(entry__trace=trace).values_list("value", flat=True)) == [
        '"late@birch.example"'
    ]


def test_month_does_not_leave_under_an_older_checkpoint(cast, last_month, tmp_path):
    """The ledger no longer extends what was signed, so the bundle is of the checkpoint before and lacks what came since."""
    trace, month = last_month
    checkpoint_workspace(cast.northwind.pk)
    other = Trace.objects.filter(workspace=cast.northwind).exclude(pk=trace.pk).first()
    with attacker() as cursor:
        cursor.execute("UPDATE traces_trace SET head_hash = %s WHERE id = %s", ["a" * 64, other.pk])
    before = WithheldValue.objects.count()
    with pytest.raises(ArchiveRefused, match="nothing was dropped"):
        leave(cast, month, tmp_path / "m")
    assert WithheldValue.objects.count() == before and acts("archive.made") == []


def test_traces_that_still_run_or_are_in_doubt_do_not_leave(cast, last_month, tmp_path):
    trace, month = last_month
    for outcome in ("running", "waiting", "unknown"):
        Trace.objects.filter(pk=trace.pk).update(outcome=outcome)
        with pytest.raises(ArchiveRefused, match="No trace ended"):
            leave(cast, month, tmp_path / outcome)
