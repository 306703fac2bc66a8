"""The notices clock as processes: killed between send and mark, a receiver that hangs, two clocks at once (at least once)."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.db import connection

from accounts.clock import database_now
from tests.builders import planned
from tests.notices.conftest import channel
from tests.notices.sinks import http_sink
from traces.notices.clock import round_ as clock_round
from traces.notices.models import Delivery, Untold
from traces.notices.send import CLAIM, due
from traces.notices.services import make_test

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]


@contextmanager
def clock():
    """`remit_notify` as `make run` starts it, on the tests' database."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "REMIT_SECRET_KEY": configured.SECRET_KEY,
        "REMIT_NOTICES_ALLOW_PRIVATE": "1",
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "remit_notify", "--skip-checks"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def until(holds, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_clock_killed_between_send_and_mark_leaves_the_same_message_to_the_next(cast, loopback):
    with http_sink(hangs=True) as sink:
        made, _ = channel(cast, sink)
        delivery = make_test(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=made.pk)
        with clock() as first:
            until(lambda: len(sink.got) == 1)
            first.kill()  # The receiver has it; nobody wrote that down.
            first.wait(10)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == ("queued", 1) and delivery.claimed_until > database_now()
        assert due() == [], "nobody else sends while it is claimed"
        sink.hangs = False
        sink.release.set()
        Delivery.objects.update(claimed_until=database_now())  # The claim runs out; CLAIM is too long to wait for.
        with clock():
            until(lambda: Delivery.objects.get().state == "sent")
        assert [got.headers["webhook-id"] for got in sink.got] == [delivery.pk] * 2
        assert sink.got[0].body == sink.got[1].body and CLAIM.total_seconds() > 15


def test_two_clocks_at_once_send_each_message_once(cast, loopback):
    with http_sink() as sink:
        made, _ = channel(cast, sink)
        with clock(), clock():
            for _ in range(3):
                planned(cast)
            until(lambda: not Untold.objects.exists() and not Delivery.objects.filter(state="queued").exists())
        ids = [got.headers["webhook-id"] for got in sink.got]
        told = Delivery.objects.filter(channel=made, state="sent").values_list("pk", flat=True)
        assert sorted(ids) == sorted(told) and len(ids) >= 6


def test_a_channel_that_hangs_delays_no_other(cast, loopback):
    with http_sink(hangs=True) as stuck, http_sink() as well:
        channel(cast, stuck, name="stuck")
        made, _ = channel(cast, well, name="well")
        planned(cast)
        sending: dict = {}
        with ThreadPoolExecutor(8) as pool:
            clock_round(pool, sending)
            wanted = Delivery.objects.filter(channel=made).count()
            until(lambda: clock_round(pool, sending) or len(well.got) == wanted, 8)
            assert wanted >= 2 and len(stuck.got) == 1, "one message at a time for each channel"
            stuck.release.set()
