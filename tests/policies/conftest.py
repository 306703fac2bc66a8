"""Fixtures of the policy suite."""

import os

import pytest

from policies.engine import checks, decide, plan
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


@pytest.fixture(autouse=True)
def fresh_plans(monkeypatch):
    """For `make mutation`: a plan that was kept before the mutant was put in would hide what the mutant does."""
    if os.environ.get("REMIT_FRESH_PLANS"):
        for module in (checks, decide):
            monkeypatch.setattr(module, "plan_for", plan._plan)
