"""Fixtures of the policy suite."""

import pytest

from tests.policies.kit import BASE, House, build_house


@pytest.fixture
def house(db) -> House:
    """Version 1 of the policy is live."""
    made = build_house()
    made.publish(BASE)
    return made


@pytest.fixture
def open_house(transactional_db) -> House:
    """The same, committed, for several connections at once."""
    made = build_house()
    made.publish(BASE)
    return made
