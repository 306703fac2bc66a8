"""The remote, short times, and committed data: processes that are killed see only what was committed."""

import os

import pytest

from tests.cast import build_cast
from tests.remote.running import connect_remote, start_remote


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
    cast = build_cast(desk)
    connect_remote(cast, remote)
    return cast


@pytest.fixture(scope="session")
def count() -> int:
    """How often each fault is tried for each class: a few in CI, as many as `make campaign` asks for."""
    return int(os.environ.get("REMIT_CAMPAIGN", "4"))
