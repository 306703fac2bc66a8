"""The remote, short times, and committed data: processes that are killed see only what was committed."""

import os

import pytest
from celery import Celery

from actions.epochs import current
from tests.cast import Cast, build_cast
from tests.faults.running import Broker, start_worker
from tests.remote.running import RunningRemote, connect_remote, start_remote
from tests.snapshot import restored


@pytest.fixture(scope="session")
def remote():
    running = start_remote()
    yield running
    running.stop()


@pytest.fixture
def shop(transactional_db, desk, remote, settings):
    """The cast with the remote connected; leases and pauses of a second or two."""
    settings.REMIT_LEASE_S, settings.REMIT_CALL_TIMEOUT_S, settings.REMIT_RECONCILE_S = 2, 1, 1
    desk.reset()
    remote.chance(0.0, 0)
    return restored(f"cast beside {remote.base_url}", lambda: _with_shop(build_cast(desk), remote))


def _with_shop(cast: Cast, remote: RunningRemote) -> Cast:
    connect_remote(cast, remote)
    current()  # The first epoch, which a started installation has.
    return cast


@pytest.fixture(scope="session")
def count() -> int:
    """How often each fault is tried for each class: a few in CI, as many as `make campaign` asks for."""
    return int(os.environ.get("REMIT_CAMPAIGN", "3"))


@pytest.fixture(scope="session")
def times(count) -> int:
    """How often a scenario is played that costs more than one kill does: once in CI, as often as a campaign asks for."""
    return count if count > 3 else 1


@pytest.fixture(scope="session")
def seed() -> int:
    """Other instants and other faults in each part of a long run: REMIT_CAMPAIGN_PART is 0, 1, 2 …"""
    return 1000 * int(os.environ.get("REMIT_CAMPAIGN_PART", "0"))


@pytest.fixture
def broker():
    found = Broker()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def sender(broker):
    """A client of the broker, as anybody who can reach it."""
    yield Celery("stranger", broker=broker.url, set_as_current=False)


@pytest.fixture
def worker(broker, shop, tmp_path):
    """The real worker on the tests' database."""
    running = start_worker(broker, tmp_path / "worker.log")
    yield running
    running.terminate()
    running.wait(timeout=30)
