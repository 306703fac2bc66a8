"""Shared fixtures: the real desk as a process, the cast in a real database, no network beyond this machine."""

import gc
import socket

import pytest
from django.conf import settings
from django.test import TransactionTestCase

from tests.builders import planned, request_of
from tests.cast import Cast, build_cast
from tests.desk.running import RunningDesk, start_desk
from tests.order import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401 - hooks
from tests.snapshot import emptied, restored
from tests.statements import pytest_configure, pytest_runtest_protocol, pytest_sessionfinish  # noqa: F401 - hooks
from tests.template import template

_connect = socket.socket.connect


def pytest_collection_finish():
    """What was imported and collected stays to the end: the garbage collector goes through it no more, and comes seldom.

    A request makes thousands of objects that their counts alone let go.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _loopback_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"A test tried to reach {address[0]}.")
    return _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """Nothing leaves this machine."""
    socket.socket.connect = _loopback_only
    yield
    socket.socket.connect = _connect


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """The tests' database is a copy of a migrated one."""
    settings.DATABASES["default"]["TEST"]["TEMPLATE"] = template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """After a test that commits Django truncates all tables and makes its own rows anew: seconds. Rows are deleted here."""
    kept, TransactionTestCase._fixture_teardown = TransactionTestCase._fixture_teardown, lambda self: emptied()
    yield
    TransactionTestCase._fixture_teardown = kept


@pytest.fixture(scope="session")
def desk(tmp_path_factory) -> RunningDesk:
    running = start_desk(tmp_path_factory.mktemp("desk"))
    yield running
    running.stop()


@pytest.fixture
def cast(db, desk) -> Cast:
    """People, agents, policies and tools, made by the services the product uses; the desk's records start fresh."""
    desk.reset()
    return restored("cast", lambda: build_cast(desk))


@pytest.fixture
def refund(cast):
    """A refund of $240.00 that waits for two people."""
    return request_of(planned(cast), "desk.refund.create")


@pytest.fixture
def draft(cast):
    """An email that waits to be sent by the person it is for."""
    return request_of(planned(cast), "desk.mail.send")
