"""A mismatch is never called a match."""

from datetime import UTC, datetime

import pytest

from actions.connectors.base import Snapshot
from actions.connectors.compare import compare
from actions.connectors.operation import parse_operation

OPERATION = parse_operation(
    {
        "class": "B",
        "write": {"method": "PATCH", "path": "/x", "scope": "a:b", "body": "fields", "ok": [200]},
        "normalise": {"reason": ["trim", "collapse", "lower"]},
    }
)


def result(name, wanted, fields):
    snapshot = Snapshot("1", "/x/1", '"2"', fields, datetime(2026, 1, 1, tzinfo=UTC))
    (found,) = compare(OPERATION, {name: wanted}, snapshot)
    return found.matched, found.normalised


@pytest.mark.parametrize(
    ("name", "wanted", "fields", "expected"),
    [
        ("tier", "Plus", {"tier": "Plus"}, (True, False)),
        ("tier", "Plus", {"tier": "plus"}, (False, False)),
        ("tier", "Plus", {}, (False, False)),
        ("tier", None, {}, (False, False)),
        ("tier", None, {"tier": None}, (True, False)),
        ("reason", " A  B ", {"reason": "a b"}, (True, True)),
        ("reason", "a b", {"reason": "a b"}, (True, False)),
        ("reason", " A  B ", {"reason": "a c"}, (False, False)),
        ("count", 1, {"count": True}, (False, False)),
        ("count", 0, {"count": False}, (False, False)),
        ("count", 1, {"count": 1.0}, (True, False)),
        ("count", 1, {"count": "1"}, (False, False)),
        ("tags", ["a", "b"], {"tags": ["b", "a"]}, (False, False)),
        ("place", {"x": 1, "y": 2}, {"place": {"y": 2, "x": 1}}, (True, False)),
    ],
)
def test_fields_match_as_json_or_in_the_declared_form(name, wanted, fields, expected):
    assert result(name, wanted, fields) == expected
