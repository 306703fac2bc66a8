"""The broker is a doorbell: emptying, stopping, forging, flooding it loses, doubles and runs nothing (R-01, R-02, F3-F5)."""

import os
import pickle
import time
from pathlib import Path

import pytest
from celery import Celery, current_app
from kombu import Connection, pools

from actions.doorbell import TASK, ring, ring_each
from actions.models import Action
from tests.faults.campaign import authorized
from tests.faults.running import QUEUE, Broker
from traces.checkpoints.clock import tick


def send(sender: Celery, *args: object, **kwargs: object) -> None:
    sender.send_task(TASK, args=list(args), kwargs=kwargs, queue=QUEUE)


def rests(action: Action, state: str = "succeeded", within_s: float = 60.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if Action.objects.get(pk=action.pk).state == state:
            return True
        time.sleep(0.2)
    return False


def test_f3_f5_real_worker_stands_all_of_it(shop, remote, broker, sender, worker, tmp_path, times):
    for _ in range(times):
        first, last = authorized(shop, "a"), authorized(shop, "b")
        _forged(shop, broker, sender, first, tmp_path / "pickled")
        # F3: a hundred of each.
        for _ in range(100):
            send(sender, first.pk)
            send(sender, last.pk)
        assert rests(first) and rests(last)
        assert (remote.effects(first.pk), remote.effects(last.pk)) == (1, 1)
        assert worker.poll() is None and not (tmp_path / "pickled").exists()
        tick()


def _forged(shop, broker: Broker, sender: Celery, first: Action, mark: Path) -> None:
    """F5: what no honest sender sends, before and between what one does."""
    for forged in ("act_nope", "", None, 5, {"a": 1}, ["x"], "act_" + "0" * 26, shop.agent.pk):
        send(sender, forged)
    send(sender, first.pk, state="succeeded")
    send(sender, first.pk, "and more")
    sender.send_task("os.system", args=[f"touch {mark}"], queue=QUEUE)
    send(sender, "x" * 10_000_000)
    _pickled(broker, mark)


def _pickled(broker: Broker, mark: Path) -> None:
    """A message that would run a program where it is unpickled."""

    class Bomb:
        def __reduce__(self) -> tuple:
            return os.system, (f"touch {mark}",)

    with Connection(broker.url) as wire, wire.Producer() as producer:
        producer.publish(
            pickle.dumps(([Bomb()], {}, {})), routing_key=QUEUE, content_type="application/x-python-serialize",
            content_encoding="binary", headers={"task": TASK, "id": "forged-1"}, serializer=None,
        )  # fmt: skip


@pytest.fixture
def own_bell(broker, monkeypatch):
    """This process rings this test's broker; its connections go with it, or later tests would ring there too."""
    monkeypatch.setattr(current_app.conf, "broker_url", broker.url)
    _hang_up()
    yield
    _hang_up()


def _hang_up() -> None:
    pools.reset()
    current_app.amqp._producer_pool = current_app._pool = None


def test_f4_emptied_and_stopped_broker_loses_nothing(shop, remote, broker, sender, worker, own_bell, caplog, times):
    for _ in range(times):
        _emptied_and_stopped([authorized(shop, klass) for klass in "ab"], remote, broker, sender, caplog)
        tick()


def _emptied_and_stopped(waiting: list[Action], remote, broker: Broker, sender: Celery, caplog) -> None:
    broker.stop()
    for action in waiting:
        ring(action.pk)  # Nobody is there: it says so in the log and nothing else happens.
    caplog.clear()
    assert ring_each([action.pk for action in waiting] * 50) == 0
    assert caplog.text.count("did not take") == 1, "A round asks a broker that is down once, not for each action."
    assert {Action.objects.get(pk=action.pk).state for action in waiting} == {"authorized"}
    broker.start()
    send(sender, waiting[0].pk)
    broker.flush()
    for action in waiting:  # What the sweeper does every few seconds.
        send(sender, action.pk)
    assert all(rests(action) for action in waiting)
    assert [remote.effects(action.pk) for action in waiting] == [1, 1]
