"""The database's clock steps back an hour: checkpoints go on, and a clock process that died is still told of (F13, F15)."""

from datetime import timedelta

import pytest
from django.db.models import F

from tests.traces.ledgers import attacker, grown, judged
from traces.bundles.write import write_workspace
from traces.checkpoints.clock import tell_witnesses, tick
from traces.checkpoints.health import checkpoints_healthy, deployment_health, workspace_health
from traces.checkpoints.registry import latest
from traces.models import Delivery, Log

HOUR = timedelta(hours=1)


def clock_back(*, remembered: bool = True) -> None:
    """What was written an hour ago by a clock that has gone back since lies an hour ahead."""
    with attacker() as cursor:
        cursor.execute("UPDATE traces_checkpoint SET at = at + %s", [HOUR])
    Log.objects.update(signed_at=F("signed_at") + HOUR if remembered else None)


@pytest.mark.parametrize("remembered", [True, False])
def test_f15_nothing_signed_since_the_clock_went_back_is_an_alarm_at_once(cast, remembered):
    grown(cast)
    tick()
    assert checkpoints_healthy(cast.northwind.pk) and deployment_health().ok
    clock_back(remembered=remembered)
    assert not checkpoints_healthy(cast.northwind.pk) and not deployment_health().ok
    assert "clock went back" in workspace_health(cast.northwind.pk).sentence


def test_f15_a_clock_that_went_back_a_little_less_than_the_alarm_holds_nobody(cast, settings):
    grown(cast)
    tick()
    clock_back()
    settings.REMIT_CHECKPOINT_ALARM_S = 3700
    assert checkpoints_healthy(cast.northwind.pk) and deployment_health().ok


def test_f15_checkpoints_go_on_at_their_pace_and_verify(cast, tmp_path):
    grown(cast)
    tick()
    clock_back()
    grown(cast)
    assert tick().signed == 3, "due at once, not in an hour"
    assert tick().signed == 0, "and then at the usual pace"
    assert checkpoints_healthy(cast.northwind.pk) and deployment_health().ok
    assert {latest(log).number for log in Log.objects.all()} == {2}
    ok, sentence = judged(write_workspace(tmp_path / "bundle", cast.northwind.pk).path)
    assert ok, sentence


def test_f15_and_when_they_stop_then_the_alarm_comes_in_its_time(cast):
    grown(cast)
    tick()
    clock_back()
    tick()
    Log.objects.update(signed_at=F("signed_at") - timedelta(seconds=400))
    assert not checkpoints_healthy(cast.northwind.pk) and "No checkpoint for 400 s" in deployment_health().sentence


def test_f15_what_failed_before_the_clock_went_back_is_tried_again(cast, settings, tmp_path):
    settings.REMIT_WITNESS = [f"file:{tmp_path}/w"]
    (tmp_path / "w").write_text("in the way")
    grown(cast)
    assert tick().failed == 3
    (tmp_path / "w").unlink()
    Log.objects.update(problem_at=F("problem_at") + HOUR)
    assert tick().failed == 0 and Log.objects.exclude(problem="").count() == 0
    told = Delivery.objects.first()
    Delivery.objects.update(problem="it failed", number=0, at=F("at") + HOUR)
    assert told is not None and tell_witnesses() == 3
