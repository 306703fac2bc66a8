"""A replay's life: who may start one, one worker at a time, cancelled between chunks, taken up again, rung for twice."""

import json
import threading
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connections

from accounts.access import Forbidden, NotVisible
from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import User
from policies import tasks
from policies.engine.problems import PolicyError
from policies.engine.yaml_out import dump
from policies.models import DecisionRecord, Replay
from policies.replay import cancel_replay, get_replay_for, lifecycle, ring_stale, run_replay, start_replay
from policies.replay.doorbell import TASK
from tests.policies.kit import BASE, TIGHTER, build_house, changed
from tests.policies.past import SUPPORT, Past, refund

State = Replay.State


def started(house, source: str = SUPPORT, by: str = "ken", **more) -> Replay:
    return start_replay(**house.who(by), policy=house.policy(), source=source, **more)


def state(replay: Replay) -> str:
    replay.refresh_from_db()
    return replay.state


def test_only_those_who_edit_policies_start_one(house):
    assert started(house).state == State.QUEUED
    for first in ("dana", "ava", "maya"):
        with pytest.raises(Forbidden):
            started(house, by=first)
    with pytest.raises(NotVisible):
        stranger = User.objects.create(email="s@else.example", name="S")
        start_replay(actor=house.actor("ken"), user=stranger, policy=house.policy(), source=SUPPORT)
    with pytest.raises(ValueError):
        start_replay(actor=house.actor("ken"), user=None, policy=house.policy(), source=SUPPORT)
    assert Replay.objects.count() == 1


def test_nothing_starts_for_a_text_that_is_no_policy_of_this_slug_nor_for_odd_days(house):
    for source in ("nonsense", "a: [", dump(changed((("policy", "slug"), "other"), base=BASE))):
        with pytest.raises(PolicyError):
            started(house, source)
    for days in (0, -1, 366):
        with pytest.raises(ValueError):
            started(house, days=days)
    assert not Replay.objects.exists()


def test_the_same_question_is_asked_once(house):
    first = started(house)
    assert started(house) == first and started(house, "# a comment\n" + SUPPORT) == first
    assert started(house, days=7) != first
    assert started(house, by="noor") == first


def test_after_a_publication_the_same_draft_is_another_question(house):
    """What it would newly allow is compared with what is live, so an answer of before is not given again."""
    first = started(house)
    assert started(house) == first
    house.publish(changed(TIGHTER))
    second = started(house)
    assert second != first and (first.live, second.live) == (1, 2)
    assert started(house) == second


def test_a_replay_is_asked_again_when_old_cancelled_or_failed(house):
    first = started(house, by="noor")
    Replay.objects.filter(pk=first.pk).update(created_at=database_now() - timedelta(minutes=11))
    second = started(house, by="noor")
    assert second != first
    cancel_replay(**house.who("noor"), replay_id=second.pk)
    third = started(house, by="noor")
    assert third not in (first, second)
    Replay.objects.filter(pk=third.pk).update(state=State.FAILED)
    assert started(house, by="noor") != third


def test_a_newer_draft_cancels_the_persons_older_replays_only(house):
    mine, theirs = started(house), started(house, SUPPORT.replace("10000", "9000"), by="noor")
    started(house, SUPPORT.replace("10000", "8000"))
    assert (state(mine), state(theirs)) == (State.CANCELLED, State.QUEUED)
    assert mine.detail == "A newer draft is replayed."


def test_starting_rings_with_the_id_and_nothing_else(house, django_capture_on_commit_callbacks):
    with current_app.connection_for_write() as broker:
        queue = broker.SimpleQueue(current_app.conf.task_default_queue)
        queue.clear()
        with django_capture_on_commit_callbacks(execute=True):
            replay = started(house)
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    assert message.headers["task"] == TASK and TASK in current_app.tasks
    assert json.loads(message.body)[:2] == [[replay.pk], {}]


def test_a_broker_that_is_down_loses_nothing(house, django_capture_on_commit_callbacks, monkeypatch):
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    with django_capture_on_commit_callbacks(execute=True):
        replay = started(house)
    assert state(replay) == State.QUEUED


@pytest.mark.parametrize(
    "message", ["", "rpl_x", "act_01JD5K3E8PZZZZZZZZZZZZZZZZ", 3, None, ["rpl"], "rpl_" + "0" * 26]
)
def test_a_forged_message_does_nothing(house, message):
    replay = started(house)
    tasks.replay(message)
    assert state(replay) == State.QUEUED


def test_a_second_ring_changes_nothing(house):
    Past(house.workspace).add(refund())
    replay = started(house)
    tasks.replay(replay.pk)
    result = Replay.objects.values().get()
    tasks.replay(replay.pk)
    assert Replay.objects.values().get() == result and result["state"] == State.DONE


def many(house, count: int) -> None:
    """A past of `count` refunds."""
    Past(house.workspace).add(refund())
    (kept,) = DecisionRecord.objects.values()
    kept.pop("id")
    DecisionRecord.objects.bulk_create(DecisionRecord(**{**kept, "action_id": f"act_n{n}"}) for n in range(1, count))


def test_progress_is_seen_while_it_counts_and_a_cancelled_one_stops_between_chunks(open_house):
    many(open_house, 8000)
    replay = started(open_house)

    def work():
        run_replay(replay.pk)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    while not (seen := Replay.objects.values_list("done", "total").get(pk=replay.pk))[0]:
        assert worker.is_alive()
    cancel_replay(**open_house.who("noor"), replay_id=replay.pk)
    worker.join()
    assert seen[0] % 1000 == 0 and 1000 <= seen[0] < seen[1] == 8000
    assert (state(replay), replay.detail, replay.result) == (State.CANCELLED, "Cancelled by Noor.", {})
    assert seen[0] <= replay.done < 8000 and replay.finished_at is not None
    run_replay(replay.pk)
    assert state(replay) == State.CANCELLED


def test_a_finished_replay_stays_as_it_ended(house):
    replay = started(house)
    run_replay(replay.pk)
    assert cancel_replay(**house.who("noor"), replay_id=replay.pk).state == State.DONE
    with pytest.raises(Forbidden):
        cancel_replay(**house.who("ava"), replay_id=replay.pk)
    with pytest.raises(NotVisible):
        cancel_replay(**house.who("ken"), replay_id="rpl_none")


def test_a_dead_worker_is_taken_over_and_its_late_result_is_not_stored(house):
    replay = started(house)
    dead = lifecycle.claim(replay.pk)
    assert dead is not None and lifecycle.claim(replay.pk) is None
    Replay.objects.filter(pk=replay.pk).update(heartbeat_at=database_now() - timedelta(seconds=16))
    assert ring_stale() == 1
    run_replay(replay.pk)
    assert state(replay) == State.DONE
    assert not lifecycle.beat(dead, done=7) and not lifecycle.end(dead, State.FAILED)
    assert state(replay) == State.DONE


def test_one_replay_at_a_time(house):
    one, other = started(house), started(house, SUPPORT.replace("10000", "9000"), by="noor")
    assert lifecycle.claim(one.pk) is not None
    run_replay(other.pk)
    assert state(other) == State.QUEUED
    Replay.objects.filter(pk=one.pk).update(state=State.DONE)
    run_replay(other.pk)
    assert state(other) == State.DONE


def test_what_cannot_get_through_is_given_up(house):
    old, fresh = started(house), started(house, SUPPORT.replace("10000", "9000"), by="noor")
    Replay.objects.filter(pk=old.pk).update(created_at=database_now() - timedelta(minutes=11))
    assert ring_stale() == 1
    assert (state(old), state(fresh)) == (State.FAILED, State.QUEUED)


def test_a_replay_that_breaks_says_so(house, monkeypatch):
    replay = started(house)
    Replay.objects.filter(pk=replay.pk).update(source="nonsense")
    with pytest.raises(PolicyError):
        run_replay(replay.pk)
    assert state(replay) == State.FAILED and "PolicyError" in replay.detail


def test_a_replay_is_seen_by_those_who_see_its_policy(house):
    replay, elsewhere = started(house), build_house("lakeside")
    assert get_replay_for(house.users["ava"], house.workspace, replay.pk) == replay
    for user, workspace in ((house.users["maya"], house.workspace), (elsewhere.users["ken"], elsewhere.workspace)):
        with pytest.raises(NotVisible):
            get_replay_for(user, workspace, replay.pk)


def test_of_many_workers_told_to_run_it_one_does(open_house):
    actor = system_actor("tests", open_house.workspace.pk)
    replay = start_replay(actor=actor, user=None, policy=open_house.policy(), source=SUPPORT)
    taken, gate = [], threading.Barrier(6)

    def work():
        gate.wait()
        taken.append(lifecycle.claim(replay.pk))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([claim for claim in taken if claim is not None]) == 1 and len(taken) == 6
