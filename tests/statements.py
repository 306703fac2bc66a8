"""What each test says to the database, noted in one pass so that a pass on another server is chosen by it. Hooks of conftest.py.

With REMIT_STATEMENTS=FOLDER each process notes its tests there; with REMIT_SERVED_ONLY tests/order.py reads what was noted.
"""

import heapq
import json
import math
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import pytest
from django.db.backends.signals import connection_created

# So many values or rows say the same as one, and so do names that count on: savepoints, cursors.
_MANY = re.compile(r"(\((?:%s(?:::\w+)?(?:, )?)+\)|%s(?:::\w+)?)(?:, ?(?:\((?:%s(?:::\w+)?(?:, )?)+\)|%s(?:::\w+)?))*")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Said:
    """`statements` by their digests, without values; `seconds` of the whole test, by the clock."""

    seconds: float
    statements: frozenset[str]


_noted: dict[str, Said] = {}
_saying: set[str] = set()


@lru_cache(maxsize=20_000)
def digest(statement: str) -> str:
    """The same for statements that differ in how many values they take, or in a number."""
    return sha256(_NUMBER.sub("0", _MANY.sub("%s", statement)).encode()).hexdigest()[:12]


def _hear(execute, sql, params, many, context):
    _saying.add(str(sql))
    return execute(sql, params, many, context)


def _listen(connection, **_) -> None:
    if _hear not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _hear)


def _is_noting() -> bool:
    return bool(os.environ.get("REMIT_STATEMENTS")) and not os.environ.get("REMIT_SERVED_ONLY")


def pytest_configure(config):
    if _is_noting():
        connection_created.connect(_listen)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Threads of a test speak over connections of their own, which are heard as well; other processes are not."""
    began = time.monotonic()
    _saying.clear()
    yielded = yield
    _noted[item.nodeid] = Said(time.monotonic() - began, frozenset(map(digest, _saying)))
    return yielded


def pytest_sessionfinish():
    if _is_noting() and _noted:
        folder = Path(os.environ["REMIT_STATEMENTS"])
        folder.mkdir(parents=True, exist_ok=True)
        told = {name: [said.seconds, sorted(said.statements)] for name, said in _noted.items()}
        (folder / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.json").write_text(json.dumps(told))


def noted(folder: Path) -> dict[str, Said]:
    """What was noted there, by test; {} where nothing was."""
    found: dict[str, Said] = {}
    for file in sorted(folder.glob("*.json")):
        found |= {
            name: Said(seconds, frozenset(told)) for name, (seconds, told) in json.loads(file.read_text()).items()
        }
    return found


def enough(told: dict[str, Said], anyway: Iterable[str]) -> set[str]:
    """Tests that together say all that all of them say, beside those that are run anyway: what adds most a second comes first."""
    missing = set().union(*(said.statements for said in told.values()))
    missing -= set().union(*(told[name].statements for name in anyway if name in told))
    chosen: set[str] = set()
    waiting = [(-math.inf, name) for name in sorted(told)]  # What was looked at once can only have become worth less.
    while missing:
        worth, name = heapq.heappop(waiting)
        now = -len(told[name].statements & missing) / (0.1 + told[name].seconds)
        if worth == now:
            chosen.add(name)
            missing -= told[name].statements
        elif now:
            heapq.heappush(waiting, (now, name))
    return chosen
