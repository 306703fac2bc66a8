"""A second pass on other servers says every statement again that the first one said, in as few tests as that takes."""

import json

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from accounts.models import User
from tests import statements
from tests.statements import Said, digest, enough, noted


def told(**tests: str) -> dict[str, Said]:
    return {name: Said(1.0, frozenset(words.split())) for name, words in tests.items()}


def test_nothing_that_is_said_is_left_unsaid():
    every = told(a="x y z", b="y", c="z w", d="w", e="")
    chosen = enough(every, [])
    assert set().union(*(every[name].statements for name in chosen)) == set("wxyz") and len(chosen) == 2


def test_what_runs_anyway_has_said_its_own_already():
    assert enough(told(a="x y", b="x y", c="z"), ["a", "of another release"]) == {"c"}


def test_of_two_that_say_the_same_the_quick_one_is_tried_again():
    assert enough({"long": Said(9.0, frozenset("xy")), "short": Said(0.2, frozenset("xy"))}, []) == {"short"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE id IN (%s)", "SELECT a FROM t WHERE id IN (%s, %s, %s)"),
        ("INSERT INTO t (a, b) VALUES (%s, %s)", "INSERT INTO t (a, b) VALUES (%s, %s), (%s, %s)"),
        ('SAVEPOINT "s139_x1"', 'SAVEPOINT "s7_x22"'),
    ],
)
def test_more_values_say_the_same(one, other):
    assert digest(one) == digest(other) != digest(f"{one} FOR UPDATE")


def test_what_is_said_to_the_database_is_heard(db, monkeypatch):
    monkeypatch.setattr(statements, "_saying", set())
    # The connection itself: on Django's proxy for it the attribute would not be put back, but deleted.
    connection = connections[DEFAULT_DB_ALIAS]
    monkeypatch.setattr(connection, "execute_wrappers", [])
    statements._listen(connection)
    statements._listen(connection)
    list(User.objects.filter(pk__in=["a", "b"]).select_for_update())
    assert [said for said in statements._saying if said.endswith("FOR UPDATE")] and len(
        connection.execute_wrappers
    ) == 1


def test_notes_of_all_workers_are_read_and_of_none_is_nothing(tmp_path):
    (tmp_path / "gw0.json").write_text(json.dumps({"a": [0.5, ["x"]]}))
    (tmp_path / "gw1.json").write_text(json.dumps({"b": [1.5, []]}))
    assert noted(tmp_path) == {"a": Said(0.5, frozenset("x")), "b": Said(1.5, frozenset())}
    assert noted(tmp_path / "none") == {}
