"""Nothing is dispatched while the ledger is not checkpointed; nothing is lost either (F13)."""

from datetime import timedelta

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.connections import rotate_keys
from actions.execution import run
from actions.sweep import sweep
from tests.builders import action, planned, request_of, vote, work
from traces.checkpoints.clock import sign_due
from traces.models import Entry, SigningKey, Trace


def approved(cast):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    return trace


def test_f13_without_checkpoints_an_approved_action_waits_and_runs_once_they_are_back(cast, desk, settings):
    trace = approved(cast)
    # The first trace was opened long ago and no checkpoint was ever signed.
    Trace.objects.filter(workspace=cast.northwind).update(created_at=database_now() - timedelta(days=1))
    settings.REMIT_CHECKPOINT_ALARM_S = 60
    work(trace)
    held = action(trace, "desk.refund.create")
    assert held.state == "authorized" and desk.read("/orders/48213")["refunds"] == []
    sign_due(force=True)
    work(trace)
    assert action(trace, "desk.refund.create").state == "succeeded"


def test_f13_waiting_for_checkpoints_writes_nothing_however_often_it_is_rung_for(cast, settings):
    """An hour of sweeps is no thousand entries, and one workspace's waiting takes no place from another's (P7)."""
    trace = approved(cast)
    Trace.objects.filter(workspace=cast.northwind).update(created_at=database_now() - timedelta(days=1))
    settings.REMIT_CHECKPOINT_ALARM_S = 60
    held, before = action(trace, "desk.refund.create"), Entry.objects.count()
    for _ in range(5):
        assert run(actor=system_actor("worker", cast.northwind.pk), action_id=held.pk) == "authorized"
    assert Entry.objects.count() == before and action(trace, "desk.refund.create").fence == held.fence
    assert sweep().rung == 0
    sign_due(force=True)
    assert sweep().rung == 1


def test_signing_keys_are_sealed_with_the_newest_key_too(cast, settings):
    approved(cast)
    sign_due(force=True)
    before = list(SigningKey.objects.values_list("sealed", flat=True))
    assert rotate_keys(actor=system_actor("rotate_keys", "")) >= len(before) >= 1
    assert list(SigningKey.objects.values_list("sealed", flat=True)) != before
