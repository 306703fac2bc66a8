"""Fixtures of the policy suite."""

import os

import pytest

from policies.engine.celtree import parse
from policies.engine.document import Document, load
from policies.engine.expressions import compile_expression
from policies.engine.yaml_out import dump
from tests.policies.kit import BASE, House, build_house
from tests.snapshot import restored


@pytest.fixture
def house(db) -> House:
    """Version 1 of the policy is live."""
    return restored("house", _house)


def _house() -> House:
    made = build_house()
    made.publish(BASE)
    return made


@pytest.fixture
def open_house(transactional_db, house) -> House:
    """The same, committed, for several connections at once."""
    return house


@pytest.fixture(autouse=True)
def nothing_kept(request, monkeypatch):
    """For `make mutation`: each test makes its expressions, documents and plans itself.

    What the import of a module or an earlier test had made would hide what a mutant does, and credit one test alone with it.
    """
    if not os.environ.get("REMIT_MUTATION"):
        return
    for kept in (compile_expression, parse, *vars(request.module).values()):
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
    for name, value in list(vars(request.module).items()):
        if isinstance(value, Document):
            monkeypatch.setattr(request.module, name, load(dump(value.plain)))
