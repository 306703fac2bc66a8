"""Runs work in a process of its own whose database connection goes through `tests.faults.wire`."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from tests.desk.running import ROOT, free_port
from tests.faults.campaign import in_a_process


@dataclass(frozen=True)
class Passed:
    """What went over the wire, and whether it was harmed."""

    statements: int
    commits: int
    harmed: bool


def upstream() -> str:
    """Where the tests' database is, as `wire` wants it."""
    given = connection.settings_dict
    host, port = given["HOST"] or "127.0.0.1", given["PORT"] or "5432"
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"


def over_the_wire(work: Callable[[], None], how: str = "never", at: int = 0) -> Passed:
    """Do `work` in a process of its own and harm its connection once. Its error is its end, as a worker's would be."""
    port = free_port()
    command = [sys.executable, "-m", "tests.faults.wire", str(port), upstream(), how, str(at)]
    wire = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert wire.stdout is not None and wire.stdout.readline() == "ready\n"
    try:
        os.waitpid(in_a_process(lambda: _through(port, work)), 0)
    finally:
        wire.terminate()
        said, _ = wire.communicate(timeout=10)
    statements, commits, harmed = map(int, said.split())
    return Passed(statements, commits, bool(harmed))


def _through(port: int, work: Callable[[], None]) -> None:
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
    connection.settings_dict["OPTIONS"] |= {"sslmode": "disable", "gssencmode": "disable"}
    work()


def spread(count: int, total: int) -> list[int]:
    """`count` numbers from 1 to `total`, as far apart as they can be; each once where there are fewer."""
    if count >= total:
        return list(range(1, total + 1))
    return sorted({1 + round(step * (total - 1) / max(count - 1, 1)) for step in range(count)})
