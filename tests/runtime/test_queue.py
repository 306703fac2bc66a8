"""Installations that share a broker: each listens to the queue it was given."""

import os
import subprocess
import sys

import pytest

ASKS = "from console.celery import app; print(*app.amqp.queues.consume_from)"


@pytest.mark.parametrize(("given", "heard"), [("remit-blue", "remit-blue"), ("", "remit")])
def test_the_worker_listens_to_its_own_queue(given, heard):
    env = {**os.environ, "REMIT_QUEUE": given, "DJANGO_SETTINGS_MODULE": "console.settings"}
    told = subprocess.run([sys.executable, "-c", ASKS], env=env, capture_output=True, text=True, check=True)
    assert told.stdout.split() == [heard]
