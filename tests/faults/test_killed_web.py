"""The web process is killed in the middle of a proposal or of a verdict, and whoever asked asks again (F1)."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

import pytest

from actions.models import Action, IdempotencyKey
from actions.sweep import sweep
from approvals.models import Verdict
from approvals.refusals import VerdictRefused
from tests.builders import action, opened, planned, publish, request_of, sample_plain
from tests.faults.campaign import come_to_rest, delays, in_a_process, verdict
from tests.faults.test_cut_database import REFUND, ask, vote
from traces.checkpoints.clock import tick
from traces.ledger import verify


def takes_s(work: Callable[[], object]) -> float:
    began = time.monotonic()
    os.waitpid(in_a_process(work), 0)
    return time.monotonic() - began


def killed(work: Callable[[], object], after_s: float) -> bool:
    """Do `work` in a process and kill it at that instant; whether it was still at it."""
    pid = in_a_process(work)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("klass", "abc")
def test_f1_killed_while_it_takes_a_proposal(shop, remote, klass, count, seed):
    trace, struck = opened(shop), 0
    span_s = takes_s(lambda: ask(shop, trace, "key-0", klass))
    for number, after_s in enumerate(delays(count, seed + ord(klass), span_s), start=1):
        tick()  # The clock goes on: without checkpoints nothing is dispatched (F13).
        key = f"key-{number}"
        amount = number + 1  # Another call each time: the same one joins what still runs.
        struck += killed(lambda key=key, amount=amount: ask(shop, trace, key, klass, amount), after_s)
        row = IdempotencyKey.objects.filter(key=key)
        row.update(created_at="2026-01-01T00:00:00Z")  # A key whose first request died is free after two minutes.
        assert ask(shop, trace, key, klass, amount) in {200, 202}
        assert Action.objects.filter(pk=row.get().resource).count() == 1
    actions = list(Action.objects.filter(trace=trace))
    assert len(actions) == count + 1, "One action a key, whoever was killed over it."
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"web killed in a proposal, class {klass}: {struck} of {count} kills struck: {found}")  # noqa: T201 - the figures that are published
    assert found.fatal == ()


def test_f1_killed_while_it_takes_a_verdict(shop, count, seed):
    plain = sample_plain()
    for limit in plain["limits"]:
        limit["max"] *= 100 if limit["id"] != "refund.auto" else 1  # The day's budget is not what is tried here.
    publish(shop, plain)
    first, struck, stood = request_of(planned(shop), REFUND), 0, 0
    span_s = takes_s(lambda: vote(shop, first, "priya"))
    for after_s in delays(count, seed + 1, span_s):
        tick()
        asked = request_of(planned(shop), REFUND)
        struck += killed(lambda found=asked: vote(shop, found, "priya"), after_s)
        stood += Verdict.objects.filter(request=asked).count()
        with contextlib.suppress(VerdictRefused):  # It stands already; else it is given now.
            vote(shop, asked, "priya")
        assert Verdict.objects.filter(request=asked, void=False).count() == 1
        vote(shop, asked, "tomas")
        sweep()
        assert action(asked.trace, REFUND).state == "authorized" and verify(asked.trace).ok
    print(f"web killed in a verdict: {struck} of {count} kills struck, {stood} verdicts stood, {count} counted once")  # noqa: T201 - the figures that are published
