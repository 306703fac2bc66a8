"""A git witness whose git was killed: what it left in the way is taken out of it, and what another git does is not."""

import os
import subprocess
import time

import pytest

from tests.traces.ledgers import grown, judged
from traces.bundles.write import write_deployment
from traces.checkpoints.clock import tell_witnesses, tick
from traces.checkpoints.health import behind
from traces.models import Delivery

MINUTES = 5 * 60


def commits(path) -> int:
    log = subprocess.run(["git", "-C", path, "log", "--oneline"], capture_output=True, text=True, check=True)
    return len(log.stdout.splitlines())


def again() -> int:
    Delivery.objects.update(at=None)
    return tell_witnesses()


@pytest.fixture
def repository(cast, settings, tmp_path):
    settings.REMIT_WITNESS = [f"git:{tmp_path}/w"]
    grown(cast)
    assert tick(force=True).told == 3
    return tmp_path / "w"


def left(repository, name: str, *, age_s: float):
    lock = repository / ".git" / name
    lock.write_text("")
    os.utime(lock, (time.time() - age_s,) * 2)
    return lock


def branch(repository) -> str:
    return (repository / ".git" / "HEAD").read_text().split()[1]


@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock", "branch"])
def test_a_lock_that_a_killed_git_left_does_not_mute_the_witness(cast, repository, tmp_path, name):
    lock = left(repository, f"{branch(repository)}.lock" if name == "branch" else name, age_s=MINUTES)
    assert tick(force=True).told == 3 and behind() == [] and not lock.exists() and commits(repository) == 6
    ok, sentence = judged(write_deployment(tmp_path / "bundle").path, repository)
    assert ok and "consistent with 9 held checkpoints" in sentence, sentence


def test_a_lock_of_a_git_that_runs_is_waited_for(cast, repository):
    lock = left(repository, "index.lock", age_s=1)
    assert tick(force=True).told == 0 and "index.lock" in behind()[0] and lock.exists()
    lock.unlink()
    assert again() == 3 and behind() == [] and commits(repository) == 6


def test_a_repository_whose_making_was_killed_is_made_whole(cast, settings, tmp_path):
    (tmp_path / "w" / ".git").mkdir(parents=True)
    (tmp_path / "w" / ".git" / "config").write_text("")
    settings.REMIT_WITNESS = [f"git:{tmp_path}/w"]
    grown(cast)
    assert tick(force=True).told == 3 and commits(tmp_path / "w") == 3
