"""Workers come and go under load: SIGTERM drains in time, the kernel kills the whole group, and nothing is lost (F17)."""

import os
import random
import signal
import time

import pytest

from actions.doorbell import TASK
from actions.models import Action
from tests.faults.campaign import RESTLESS, authorized, come_to_rest, verdict
from tests.faults.running import QUEUE, start_worker
from traces.checkpoints.clock import tick

DRAIN_S = 30
SHORT = {"REMIT_LEASE_S": "5", "REMIT_CALL_TIMEOUT_S": "2", "REMIT_RECONCILE_S": "1"}
LOAD = 6


def load(shop, sender) -> list[Action]:
    """More than one worker does before it is ended."""
    made = [authorized(shop, klass) for klass in "abc" for _ in range(LOAD // 3)]
    for action in made:
        sender.send_task(TASK, args=[action.pk], queue=QUEUE)
    return made


def busy(actions: list[Action]) -> None:
    """Until the worker has taken up something, so that it is ended at work."""
    ids, until = [action.pk for action in actions], time.monotonic() + 60
    while not Action.objects.filter(pk__in=ids).exclude(state="authorized").exists():
        assert time.monotonic() < until, "The worker took up nothing."
        time.sleep(0.02)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_f17_workers_ended_under_load(shop, remote, broker, sender, tmp_path, times, seed, end):
    """SIGTERM as a rolling restart sends it; SIGKILL of the whole group as the kernel does when memory runs out."""
    remote.chance(0.0, 0, 0.1)
    die, actions, drains = random.Random(17 + seed), [], []
    for _ in range(min(max(times, 2), 50)):
        tick()  # The clock goes on: without checkpoints nothing is dispatched (F13).
        worker = start_worker(broker, tmp_path / "worker.log", **SHORT)
        mine = load(shop, sender)
        actions += mine
        busy(mine)
        time.sleep(die.uniform(0.0, 0.6))
        began = time.monotonic()
        os.killpg(worker.pid, signal.SIGKILL) if end == "SIGKILL" else worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=DRAIN_S + 10)
        drains.append(time.monotonic() - began)
        if end == "SIGTERM":  # A drained worker leaves nothing half done.
            assert not Action.objects.filter(pk__in=[a.pk for a in mine], state__in=["claimed", "dispatching"]).exists()
    waiting = Action.objects.filter(pk__in=[a.pk for a in actions], state__in=RESTLESS).count()
    remote.chance(0.0, 0)
    come_to_rest(actions)
    found = verdict(actions, remote)
    print(f"{end} under load, {len(drains)} times: {found}; {waiting} left waiting, slowest end {max(drains):.1f} s")  # noqa: T201
    assert found.fatal == () and max(drains) <= DRAIN_S
