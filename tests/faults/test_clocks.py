"""The machine's clock is a quarter of an hour off, or jumps back: decisions, leases and deadlines are the same (F15, R-27)."""

import json
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from accounts.clock import database_now
from actions.models import Action
from approvals.models import ApprovalRequest
from tests.builders import action, opened, planned, publish, request_of, sample_plain, vote
from tests.desk.running import ROOT
from tests.faults.campaign import authorized, come_to_rest, verdict
from tests.faults.running import environment
from traces.canonical import parse_instant
from traces.models import Entry

CLOCKS = {"fifteen minutes behind": "-900", "fifteen minutes ahead": "900", "back an hour on the way": "0>-3600@0.5"}
SHORT = {"REMIT_LEASE_S": "5", "REMIT_CALL_TIMEOUT_S": "2", "REMIT_RECONCILE_S": "1"}
REFUND = "desk.refund.create"


def other_clock(clock: str, *arguments: str) -> dict:
    """One process of Remit's whose wall clock is moved; what it printed."""
    path = f"{ROOT / 'tests' / 'faults' / 'clock'}:{ROOT}:{ROOT / 'client'}"
    env = environment(**SHORT, REMIT_TEST_CLOCK=clock) | {"PYTHONPATH": path}
    command = [sys.executable, "-m", "tests.faults.once", *arguments]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout)


each_clock = pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)


@each_clock
def test_f15_actions_run_once_and_leases_are_the_databases(shop, remote, clock, times):
    actions = [authorized(shop, klass) for klass in "abc" for _ in range(times)]
    found = other_clock(clock, "run", *[one.pk for one in actions])
    assert abs(found["clock"] - time.time()) > 800, "The process has the clock it was given."
    assert set(found["told"]) == {"succeeded"}
    for entry in Entry.objects.filter(trace__in=[one.trace_id for one in actions], type="action.claimed"):
        left = parse_instant(entry.record["body"]["lease_until"]) - entry.at
        # The claim is written with the intent, some time after its lease began.
        assert timedelta(seconds=0) < left < timedelta(seconds=6)
        assert abs(entry.at - database_now()) < timedelta(minutes=5)
    judged = verdict(actions, remote)
    print(f"clock {clock}: {judged}")  # noqa: T201 - the figures that are published
    assert judged.fatal == ()


@each_clock
def test_f15_doubt_is_found_out_under_any_clock(shop, remote, clock, times):
    actions = [authorized(shop, klass) for klass in "abc" for _ in range(times)]
    remote.fault("reset_after", 3 * times)
    told = other_clock(clock, "run", *[one.pk for one in actions])["told"]
    assert told == ["unknown"] * 2 * times + ["needs_human"] * times
    come_to_rest(actions)
    judged = verdict(actions, remote)
    print(f"clock {clock}, in doubt: {judged}")  # noqa: T201 - the figures that are published
    assert judged.fatal == ()
    assert judged.states == {"a:succeeded": times, "b:succeeded": times, "c:needs_human": times}


def approved(shop, left_s: int) -> Action:
    """Approved with so long left: the end is signed with each verdict, so it is set before them."""
    trace = planned(shop)
    expires = database_now() + timedelta(seconds=left_s)
    ApprovalRequest.objects.filter(pk=request_of(trace, REFUND).pk).update(expires_at=expires)
    for first in ("priya", "tomas"):
        vote(shop, request_of(trace, REFUND), first)
    return action(trace, REFUND)


@pytest.mark.parametrize(("clock", "left_s", "state"), [("900", 600, "succeeded"), ("-900", 10, "blocked")])
def test_f15_r27_approval_runs_out_by_the_databases_clock(shop, desk, clock, left_s, state, times):
    """Ahead: it has ten minutes left. Behind: it ran out while it waited to run."""
    for _ in range(times):
        desk.reset()
        found = approved(shop, left_s)
        while state == "blocked" and ApprovalRequest.objects.get(action_id=found.pk).expires_at > database_now():
            time.sleep(0.2)
        assert other_clock(clock, "run", found.pk)["told"] == [state]


def test_f15_the_same_call_is_decided_the_same(shop):
    """A freeze begins in five minutes: by the worker's clock it is past, or far off."""
    now = database_now()
    plain = sample_plain()
    plain["freezes"] = [
        {"id": "soon", "name": "Soon", "when": {}, "reason": "Stock is counted.",
         "from": f"{now + timedelta(minutes=5):%Y-%m-%dT%H:%MZ}", "until": f"{now + timedelta(minutes=9):%Y-%m-%dT%H:%MZ}"}
    ]  # fmt: skip
    publish(shop, plain)
    trace, arguments = opened(shop), json.dumps({"order_id": "48213"})
    said = [
        other_clock(clock, "decide", trace.pk, "desk.order.get", arguments)["told"] for clock in ("0", "480", "-900")
    ]
    assert said[0] == said[1] == said[2] and said[0]["effect"] == "allow"
    assert {"Soon"} <= {check["name"] for check in said[0]["checks"]}
