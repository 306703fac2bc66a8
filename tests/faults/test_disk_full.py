"""The disk under the whole database is full: what cannot be recorded is not sent, nothing is lost once there is room (F12).

The database lies on a file system of its own, which really is filled to the last page. Mounting one needs root.
"""

import os
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from actions.epochs import current
from actions.models import Action, Epoch
from actions.tasks import run_action
from tests.faults.campaign import authorized, come_to_rest, in_a_process, verdict
from tests.faults.clusters import Cluster, at, copy_here, remove

SIZE_MB = 160
PAGE = 4096
# How many pages are left: none, or enough for some of the statements of one execution.
MOST_LEFT = 6
# Small segments, so that the log of changes needs new ones, too.
SMALL = {"max_wal_size": "4MB", "min_wal_size": "2MB", "log_min_messages": "error"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Mounting a file system that can be filled needs root.")


@pytest.fixture
def disk(tmp_path):
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small(shop, disk, tmp_path):
    """A server on that disk with all that the tests' database holds, and this process at work on it."""
    made = Cluster(disk / "data", log=tmp_path / "server.log", **SMALL).make("--wal-segsize=1")
    copy_here(made)
    with at(made):
        Epoch.objects.all().delete()  # The copy is the beginning here.
        assert current().number == 1
        yield made
    remove(made)


def fill(disk: Path, left: int) -> Path:
    """Take all room but so many pages."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * PAGE)
        except OSError:
            file.truncate(max(file.tell() // PAGE - left, 0) * PAGE)
    return filler


def test_f12_full_disk_under_the_database(small, disk, shop, remote, tmp_path, count):
    die, actions, ended = random.Random(12), [], Counter()
    for _ in range(count):
        mine = [authorized(shop, klass) for klass in "abcabc"]
        filler = fill(disk, die.randint(0, MOST_LEFT))
        for action in mine:
            os.waitpid(in_a_process(lambda pk=action.pk: run_action(pk)), 0)
        filler.unlink()
        small.comes_back()
        ended.update(Action.objects.filter(pk__in=[one.pk for one in mine]).values_list("state", flat=True))
        actions += mine
    come_to_rest(actions)
    found, log = verdict(actions, remote), (tmp_path / "server.log").read_text()
    full = log.count("No space left on device")
    print(f"disk full, {count} times: {found}; {full} writes refused, {dict(ended)} while it was full")  # noqa: T201 - the figures that are published
    assert full and found.fatal == ()
    assert Epoch.objects.count() == 1, "The same database came back: nothing was lost."
