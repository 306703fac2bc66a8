"""The fault campaign: processes killed at random instants, spoiled answers, one judge (T4, F3, F6 to F11, F16)."""

import random
import time

import pytest

from accounts.models import Agent
from accounts.services import set_agent_state
from actions.switches import hold
from actions.tasks import run_action
from tests.faults.campaign import (
    WIDTH,
    authorized,
    come_to_rest,
    delays,
    killed,
    killed_all,
    naive,
    stopped_all,
    takes_s,
    verdict,
    where,
)
from tests.faults.judge import Told, judge
from tests.remote.server import SECRET
from traces.checkpoints.clock import tick
from traces.models import Entry

# Before and after the effect, so that kills fall on both sides of it.
LATENCY_S = 0.1


@pytest.mark.parametrize("klass", "abc")
def test_f6_to_f9_killed_at_random_instants(shop, remote, klass, count, seed):
    remote.chance(0.0, 0, LATENCY_S)
    span_s = takes_s([authorized(shop, klass) for _ in range(WIDTH)])
    actions = [authorized(shop, klass) for _ in range(count)]
    struck = killed_all(actions, delays(count, seed + ord(klass), span_s), run_action)
    windows = dict(sorted(where(actions, remote).items()))
    remote.chance(0.0, 0)
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"killed, class {klass}: {struck} of {count} kills struck, {windows}: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()


@pytest.mark.parametrize("klass", "abc")
def test_f11_spoiled_answers(shop, remote, klass, count, seed):
    before, actions = remote.truth()["spoiled"], [authorized(shop, klass) for _ in range(count)]
    remote.chance(0.7, seed + ord(klass))
    for number, action in enumerate(actions):
        run_action(action.pk)
        if number % 50 == 0:
            tick()
    spoiled = remote.truth()["spoiled"] - before
    remote.chance(0.0, 0)
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"spoiled, class {klass}: {spoiled} answers of {count}: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()


@pytest.mark.parametrize("klass", "abc")
def test_both_at_once_also_while_finding_out(shop, remote, klass, count, seed):
    span_s = takes_s([authorized(shop, klass) for _ in range(WIDTH)])
    before, struck, actions = remote.truth()["spoiled"], 0, [authorized(shop, klass) for _ in range(count)]
    remote.chance(0.4, seed + ord(klass), LATENCY_S)
    for attempt in range(2):
        struck += killed_all(actions, delays(count, seed + ord(klass) + attempt, span_s), run_action)
        time.sleep(1)
    spoiled = remote.truth()["spoiled"] - before
    remote.chance(0.0, 0)
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"killed and spoiled, class {klass}: {struck} kills struck, {spoiled} answers spoiled: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()


@pytest.mark.parametrize("klass", "abc")
def test_f10_zombies_that_wake_after_their_lease_send_nothing_and_write_only_under_their_fence(
    shop, remote, klass, count, seed
):
    remote.chance(0.0, 0, LATENCY_S)
    span_s = takes_s([authorized(shop, klass)])
    actions = [authorized(shop, klass) for _ in range(count)]
    asleep = stopped_all(actions, delays(count, seed + ord(klass), span_s), for_s=2.6)
    remote.chance(0.0, 0)
    come_to_rest(actions)
    found, traces = verdict(actions, remote), [action.trace_id for action in actions]
    late = Entry.objects.filter(trace__in=traces, canonical__contains='"late":true').count()
    print(f"stopped, class {klass}: {dict(asleep)} when the sweeper came, {late} late results: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()


def test_f3_each_message_a_hundred_times_in_any_order(shop, remote, times, seed):
    actions = [authorized(shop, klass) for klass in "abc" for _ in range(times)]
    rung = [action.pk for action in actions] * 100
    random.Random(seed).shuffle(rung)
    for number, action_id in enumerate(rung):
        run_action(action_id)
        if number % 500 == 0:
            tick()
    found = verdict(actions, remote)
    print(f"rung a hundred times each: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == () and set(found.states) == {"a:succeeded", "b:succeeded", "c:succeeded"}


def test_f16_pause_and_disabled_agent_before_dispatch(shop, remote):
    held, dead = authorized(shop, "a"), authorized(shop, "b")
    switch = hold(
        actor=shop.actor("priya"), workspace=shop.northwind, scope="workspace", target="", reason="A long reason."
    )
    run_action(held.pk)
    assert remote.effects(held.pk) == 0
    type(switch).objects.update(released_at=switch.set_at)
    set_agent_state(actor=shop.actor("dana"), agent=shop.agent, state=Agent.State.DISABLED)
    run_action(dead.pk)
    assert remote.effects(dead.pk) == 0
    come_to_rest([held, dead])
    assert verdict([held, dead], remote).states == {"a:blocked": 1, "b:blocked": 1}


def test_the_judge_fails_a_naive_worker(shop, remote, count):
    """The same schedule, the same remote, the worker everybody writes first."""
    actions = [authorized(shop, "c") for _ in range(max(count, 8))]
    remote.chance(0.7, 7)
    for action, after_s in zip(actions, delays(len(actions), 7, 0.3), strict=True):
        killed(action, after_s, naive(remote.base_url, SECRET))
    for action in actions:  # The broker delivers again what nobody acknowledged.
        naive(remote.base_url, SECRET)(action.pk)
    remote.chance(0.0, 0)
    found = verdict(actions, remote)
    print(f"naive worker: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal and any("doubled" in one or "silent" in one for one in found.fatal)


@pytest.mark.parametrize(
    ("fault", "times", "word"), [("reset_after", 1, "doubled"), ("500_before", 3, "silent"), ("", 0, "lost")]
)
def test_the_judge_names_each_thing_a_naive_worker_does(shop, remote, fault, times, word):
    """It sends again what took effect; it writes down what never did; it dies, and nobody knows that it had anything to do."""
    action = authorized(shop, "c")
    if fault:
        remote.fault(fault, times)
        naive(remote.base_url, SECRET)(action.pk)
    else:
        killed(action, 0.0, naive(remote.base_url, SECRET))
    (found,) = verdict([action], remote).fatal
    assert word in found


@pytest.mark.parametrize(
    ("klass", "state", "effects"),
    [
        ("a", "succeeded", 2),
        ("a", "succeeded", 0),
        ("b", "failed", 1),
        ("a", "unknown", 0),
        ("a", "needs_human", 1),
        ("c", "blocked", 1),
    ],
)
def test_the_judge_can_fail(klass, state, effects):
    assert judge([Told("act_1", klass, state, ("action.dispatching",))], {"act_1": effects}).fatal


def test_the_judge_sees_an_effect_nobody_asked_for():
    assert judge([], {"act_9": 1}).fatal
