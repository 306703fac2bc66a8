"""In which order the files are tried and by whom, and which tests a second pass on other servers needs. Hooks of conftest.py."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.statements import enough, noted

try:
    from xdist.scheduler import LoadFileScheduling
except ImportError:  # Tests also run one by one, without workers.
    LoadFileScheduling = object

# What is quick and fails first, then what takes longest: a long file that begins last is waited for by a worker alone.
FIRST = (
    "tests/house/",
    "tests/browser/",
    "tests/faults/",
    "tests/runtime/",
    "tests/access/",
    "tests/actions/test_canaries",
)
# One Remit and its servers are started for all of them.
TOGETHER = "tests/browser/"
# What asks for one of these speaks to the database and the broker that the environment names.
SERVED = frozenset({"db", "transactional_db", "remit"})
# What asks for one of these commits, or starts processes that do.
KEPT = frozenset({"transactional_db", "remit"})
# Of the browser a second pass tries the story: from an agent's first call to its rollback, through every process of `make run`.
# Another server changes neither what pages look like nor what keys do, and the views' own tests ask it all that pages ask.
STORY = "tests/browser/test_story.py"
# What asks for one of these moves to a PostgreSQL that the test makes itself.
OWN = frozenset({"primary", "disk"})


class ByFile(LoadFileScheduling):
    """A file stays with one worker, and so do all files of the browser."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Workers take files in the order of the collection below."""
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Sort the files; with REMIT_SERVED_ONLY leave out what a server cannot change. Within a file the order stays."""
    if os.environ.get("REMIT_SERVED_ONLY"):
        again = _again([item for item in items if _is_served(item)])
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in again])
        items[:] = [item for item in items if item.nodeid in again]
    many = Counter(_file(item) for item in items)
    items.sort(key=lambda item: (_rank(_file(item)), -many[_file(item)], _file(item)))


def _is_served(item) -> bool:
    if item.get_closest_marker("looks") is not None or not OWN.isdisjoint(item.fixturenames):
        return False
    if item.nodeid.startswith(TOGETHER) and not item.nodeid.startswith(STORY):
        return False
    return not SERVED.isdisjoint(item.fixturenames) or item.get_closest_marker("django_db") is not None


def _again(served) -> set[str]:
    """Where a first pass noted what its tests say (REMIT_STATEMENTS), as many as say all of it; else all that are served.

    What commits is all tried again: who waits for whom, what is kept and what a cut leaves is a server's own doing. Of the others
    a server reads the statements, so each is said to it once. What a page or a rule makes of the rows was proven by then.
    """
    told = noted(Path(os.environ.get("REMIT_STATEMENTS") or "/nowhere"))
    anyway = {item.nodeid for item in served if item.nodeid not in told or _is_kept(item)}
    mine = {item.nodeid for item in served}
    return anyway | enough({name: said for name, said in told.items() if name in mine}, anyway) if told else mine


def _is_kept(item) -> bool:
    """It commits, or starts processes that do."""
    marked = item.get_closest_marker("django_db")
    return not KEPT.isdisjoint(item.fixturenames) or (marked is not None and bool(marked.kwargs.get("transaction")))


def _file(item) -> str:
    return item.nodeid.split("::")[0]


def _rank(file: str) -> int:
    return next((rank for rank, name in enumerate(FIRST) if file.startswith(name)), len(FIRST))
