"""A standby that lacks the last commits takes over: what may have run is found out before anything starts (F-05, F12)."""

import os
import signal
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction

from actions.epochs import current
from actions.models import Action, Epoch
from actions.sweep import sweep
from actions.tasks import run_action
from tests.faults.campaign import authorized, come_to_rest, delays, in_a_process, takes_s, verdict
from tests.faults.clusters import Cluster, at, copy_here, remove
from traces.models import Entry, Trace


@pytest.fixture
def primary(shop, tmp_path):
    """A server with all that the tests' database holds, and this process at work on it."""
    made = Cluster(tmp_path / "primary").make()
    copy_here(made)
    with at(made):
        Epoch.objects.all().delete()  # The copy is the beginning here.
        assert current().number == 1
        yield made
    remove(made)


def test_f12_server_that_crashes_and_starts_again_on_the_way(primary, shop, remote, count):
    remote.chance(0.0, 0, 0.1)
    span_s = takes_s([authorized(shop, klass) for klass in "abc"])
    actions = []
    for after_s in delays(count, 12, span_s):
        mine = [authorized(shop, klass) for klass in "abc"]
        pids = [in_a_process(lambda pk=one.pk: run_action(pk)) for one in mine]
        time.sleep(after_s)
        primary.crash()
        for pid in pids:
            os.waitpid(pid, 0)
        primary.start()
        actions += mine
    remote.chance(0.0, 0)
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"database crashed and started again, {count} times: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == () and Epoch.objects.count() == 1, "The same database came back: nothing was lost."


def test_f05_promoted_standby_that_lacks_the_intents(primary, shop, remote, tmp_path, count):
    """Some had run by then and some had not: the database that takes over says AUTHORIZED of all."""
    actions = [authorized(shop, klass) for klass in "abc" for _ in range(2 * count)]
    standby = primary.follower(tmp_path / "standby")
    try:
        standby.has_all_of(primary)
        standby.falls_behind()
        ran = [action for number, action in enumerate(actions) if number % 2]
        for action in ran:
            run_action(action.pk)
        assert {Action.objects.get(pk=action.pk).state for action in ran} == {"succeeded"}
        primary.crash()
        standby.promote()
        with at(standby):
            assert set(Action.objects.values_list("state", flat=True)) == {"authorized"}, "The intents are lost."
            assert sweep().unknown == len(actions) and current().number == 2
            come_to_rest(actions)
            found = verdict(actions, remote)
            print(f"failover without the last commits: {found}")  # noqa: T201 - the figures that are published
            assert found.fatal == ()
            told = Entry.objects.filter(type="epoch.began")
            assert told.count() == 2 and "standby was promoted" in told[0].record["body"]["reason"]
            fresh = authorized(shop, "b")
            run_action(fresh.pk)
            assert Action.objects.get(pk=fresh.pk).state == "succeeded", "What is asked for now runs as ever."
    finally:
        remove(standby)


def lost(actions: list[Action]) -> None:
    """Other storage, older by these runs: rows and entries are as they were before them."""
    from tests.traces.ledgers import attacker

    for action in actions:
        kept = Entry.objects.filter(trace=action.trace, type="action.decided").get()
        with attacker() as cursor:
            cursor.execute("DELETE FROM traces_entry WHERE trace_id = %s AND seq > %s", [action.trace_id, kept.seq])
            cursor.execute(
                "UPDATE traces_trace SET head_seq = %s, head_hash = %s WHERE id = %s",
                [kept.seq, kept.hash, action.trace_id],
            )
            cursor.execute("DELETE FROM actions_attemptcredential WHERE action_id = %s", [action.pk])
            cursor.execute(
                """UPDATE actions_action SET state = 'authorized', fence = 0, lease_until = NULL, dispatched_at = NULL,
                sent_digest = '', sent_to = '', result = NULL, finished_at = NULL WHERE id = %s""", [action.pk],
            )  # fmt: skip


def bump(**options) -> str:
    out = StringIO()
    call_command("remit_epoch", "bump", stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize("klass", "abc")
def test_f05_operator_who_knows_that_commits_were_lost(shop, remote, klass):
    ran, never = authorized(shop, klass), authorized(shop, klass)
    run_action(ran.pk)
    lost([ran])
    with pytest.raises(CommandError, match="10 characters"):
        bump(reason="lost")
    assert "2 actions are found out" in bump(reason="The storage was set back to noon.")
    come_to_rest([ran, never])
    found = verdict([ran, never], remote)
    assert found.fatal == ()
    wanted = {"a": {"a:succeeded": 2}, "b": {"b:succeeded": 1, "b:failed": 1}, "c": {"c:needs_human": 2}}[klass]
    assert found.states == wanted and Entry.objects.filter(type="epoch.began").count() == 2


def test_f05_without_an_epoch_the_judge_sees_the_second_effect(shop, remote):
    """What the epoch is for: the same loss without it."""
    action = authorized(shop, "b")
    run_action(action.pk)
    lost([action])
    run_action(action.pk)
    assert any("doubled" in one for one in verdict([action], remote).fatal)


def holds(trace_id: str) -> bool:
    """Whether somebody else has this trace's lock now."""
    try:
        with transaction.atomic():
            Trace.objects.select_for_update(nowait=True).get(pk=trace_id)
    except OperationalError:
        return True
    return False


def stopped_midway(shop) -> tuple[int, Action]:
    """A worker that was stopped between its first transaction and its last. One that was in or past them is let go."""
    for _ in range(30):
        action = authorized(shop, "b")
        pid = in_a_process(lambda pk=action.pk: run_action(pk))
        until = time.monotonic() + 20
        while Action.objects.get(pk=action.pk).state == "authorized":
            assert time.monotonic() < until
        os.kill(pid, signal.SIGSTOP)
        is_stopped = os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
        if is_stopped and not holds(action.trace_id) and Action.objects.get(pk=action.pk).state != "succeeded":
            return pid, action
        if is_stopped:
            os.kill(pid, signal.SIGCONT)
            os.waitpid(pid, 0)
    raise AssertionError("No worker was stopped midway.")


def test_f05_worker_that_wakes_in_another_epoch_writes_nothing(shop, remote):
    pid, action = stopped_midway(shop)
    try:
        bump(reason="A failover while a worker is stopped.")
    finally:
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)
    come_to_rest([action])
    assert verdict([action], remote).fatal == ()
