"""Two people edit one document: what does not meet is kept from both, what meets is asked."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.merge import ChoiceMissing, merge, resolve
from tests.policies import generated as made
from tests.policies import generated_edits as edits

BASE = {
    "policy": {"slug": "desk", "name": "Desk"},
    "roles": {
        "helper": {
            "tier": "draft-only",
            "tools": {"a.get": {}, "a.update": {"mode": "approval", "route": "one"}},
            "fields": {"a": {"read": ["name", "note"], "write": ["note"], "mask": {"ssn": "number"}}},
            "scopes": {"a": "record.open"},
        },
        "lead": {"tier": "autonomous", "tools": {}},
    },
    "invariants": [{"id": "i1", "when": {}, "require": "true", "reason": "No."}],
    "limits": [
        {"id": "l1", "when": {}, "kind": "count", "per": "action", "max": 1, "over": "deny"},
        {"id": "l2", "when": {}, "kind": "count", "per": "agent", "max": 9, "window": "1h", "over": "deny"},
    ],
    "routes": {"one": {"steps": [{"name": "Lead", "group": "leads"}]}},
    "redact": {"a": {"card": "card number"}},
    "tests": [{"name": "Reads", "given": {}, "expect": {"effect": "allow"}}],
}
HELPER = ("roles", "helper")
LIMIT = {"id": "l3", "when": {}, "kind": "count", "per": "action", "max": 3, "over": "deny"}


def edited(*changes):
    """The base with (path, value) set; a value of None takes it away."""
    new = deepcopy(BASE)
    for path, value in changes:
        *way, last = path
        at = new
        for part in way:
            at = at[part]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return new


def fields(key):
    return (*HELPER, "fields", "a", key)


READ, WRITE, MASK = fields("read"), fields("write"), fields("mask")
APART = [
    (((*HELPER, "tools", "a.update"), {"mode": "off"}), ((*HELPER, "tools", "a.get"), {"mode": "off"})),
    (((*HELPER, "tier"), "autonomous"), ((*HELPER, "tools", "a.get"), None)),
    ((READ, ["name"]), (READ, ["name", "note", "city"])),
    ((READ, ["name"]), (WRITE, [])),
    ((MASK, {}), (MASK, {"ssn": "number", "iban": "account"})),
    (((*HELPER, "scopes"), None), ((*HELPER, "scopes", "b"), "record.tame")),
    ((("limits", 0, "max"), 2), (("limits", 1, "max"), 2)),
    ((("limits",), BASE["limits"][1:]), (("limits",), [*BASE["limits"], LIMIT])),
    ((("limits",), None), (("limits",), [*BASE["limits"], LIMIT])),
    ((("limits",), BASE["limits"][::-1]), (("limits", 0, "max"), 2)),
    ((("invariants", 0, "reason"), "Never."), (("redact", "a", "card"), None)),
    ((("routes", "two"), BASE["routes"]["one"]), (("routes", "one", "expires"), "2h")),
    ((("tests",), []), (("policy", "name"), "Help desk")),
    (((*HELPER, "fields", "a"), None), (READ, ["name", "note", "city"])),
    ((("roles", "lead"), None), ((*HELPER, "tier"), "autonomous")),
]


@pytest.mark.parametrize(("theirs", "yours"), APART, ids=str)
def test_edits_of_different_cells_both_stand(theirs, yours):
    one, other = edited(theirs), edited(yours)
    merged, turned = merge(BASE, one, other), merge(BASE, other, one)
    assert merged.conflicts == () and merged.result == turned.result
    again = merge(BASE, merged.result, merged.result)
    assert [cell.result for cell in again.touched] == [cell.result for cell in merged.touched]
    assert {cell.key for cell in merged.touched} == {
        cell.key for side in (one, other) for cell in merge(BASE, side, BASE).touched
    }


def test_what_both_did_is_in_the_result():
    merged = merge(BASE, edited((READ, ["name"])), edited((READ, ["name", "note", "city"]), (("limits", 1, "max"), 2)))
    assert merged.result == edited((READ, ["name", "city"]), (("limits", 1, "max"), 2))
    assert [cell.key for cell in merged.touched] == [
        "roles/helper/fields/a/read/note", "roles/helper/fields/a/read/city", "limits/l2",
    ]  # fmt: skip
    removed = merged.touched[0]
    assert (removed.base, removed.theirs, removed.yours, removed.result) == ("note", None, "note", None)


def test_one_side_may_take_a_section_away_while_the_other_adds_to_it():
    merged = merge(BASE, edited((("limits",), None)), edited((("limits",), [*BASE["limits"], LIMIT])))
    assert merged.result["limits"] == [LIMIT]


TOGETHER = [
    ((*HELPER, "tools", "a.update"), {"mode": "off"}, {"mode": "auto"}, "roles/helper/tools/a.update"),
    ((*HELPER, "tools", "a.update"), None, {"mode": "auto"}, "roles/helper/tools/a.update"),
    ((*HELPER, "tools", "a.new"), {"mode": "off"}, {"mode": "auto"}, "roles/helper/tools/a.new"),
    ((*HELPER, "tier"), "autonomous", "read-only", "roles/helper/tier"),
    ((*HELPER, "scopes", "a"), "true", None, "roles/helper/scopes/a"),
    ((*MASK, "ssn"), "id", None, "roles/helper/fields/a/mask/ssn"),
    (fields("unlisted"), "refuse_action", "refuse_field", "roles/helper/fields/a/unlisted"),
    (("limits", 0, "max"), 2, 3, "limits/l1"),
    (("limits", 0, "max"), 1.0, True, "limits/l1"),
    (("routes", "one", "expires"), "1h", "2h", "routes/one"),
    (("tests", 0, "expect"), {"effect": "deny"}, {"effect": "draft"}, "tests/Reads"),
    (("redact", "a", "card"), "pin", "card", "redact/a/card"),
    (("policy", "name"), "One", "Other", "policy/name"),
]


@pytest.mark.parametrize(("path", "theirs", "yours", "key"), TOGETHER, ids=str)
def test_different_edits_of_one_cell_ask(path, theirs, yours, key):
    one, other = edited((path, theirs)), edited((path, yours))
    merged = merge(BASE, one, other)
    (cell,) = merged.conflicts
    assert cell.key == key and cell.conflict and merged.result == one
    assert resolve(merged, {key: "theirs"}) == one and resolve(merged, {key: "yours"}) == other
    for choices in ({}, {key: "both"}, {"elsewhere": "yours"}):
        with pytest.raises(ChoiceMissing) as missing:
            resolve(merged, choices)
        assert missing.value.cells == (cell,)


def test_the_same_edit_by_both_is_no_conflict():
    one = edited(((*HELPER, "tier"), "autonomous"), (("limits",), [*BASE["limits"], LIMIT]))
    merged = merge(BASE, one, deepcopy(one))
    assert merged.conflicts == () and merged.result == one


def test_a_role_taken_away_while_it_was_edited_asks_for_the_whole_role():
    one, other = edited((HELPER, None)), edited(((*HELPER, "tools", "a.get"), {"mode": "off"}))
    merged = merge(BASE, one, other)
    (cell,) = merged.conflicts
    assert (cell.path, cell.theirs, cell.yours) == (HELPER, None, other["roles"]["helper"])
    assert resolve(merged, {cell.key: "yours"}) == other


def test_a_role_both_added_conflicts_only_where_the_two_differ():
    reader = {"tier": "read-only", "tools": {"a.get": {}}}
    one = edited((("roles", "reader"), reader))
    other = edited((("roles", "reader"), {**reader, "tier": "autonomous", "scopes": {"a": "record.open"}}))
    merged = merge(BASE, one, other)
    assert [cell.key for cell in merged.conflicts] == ["roles/reader/tier"]
    assert resolve(merged, {"roles/reader/tier": "yours"}) == other


def test_a_conflict_leaves_the_other_edits_in_place():
    one = edited(((*HELPER, "tier"), "autonomous"), (READ, ["name"]))
    other = edited(((*HELPER, "tier"), "read-only"), (("limits", 0, "max"), 7))
    result = resolve(merge(BASE, one, other), {"roles/helper/tier": "yours"})
    assert result == edited(((*HELPER, "tier"), "read-only"), (READ, ["name"]), (("limits", 0, "max"), 7))


def test_the_sides_are_only_read():
    one, other = edited((READ, ["name"])), edited((WRITE, []))
    before = deepcopy((BASE, one, other))
    merge(BASE, one, other)
    assert (BASE, one, other) == before


@settings(max_examples=200, deadline=None)
@given(st.data(), made.documents())
def test_one_sides_edits_are_the_result_and_two_sides_merge_alike_either_way(data, base):
    theirs, yours = data.draw(edits.edited(base)), data.draw(edits.edited(base))
    assert merge(base, theirs, base).result == theirs and merge(base, base, yours).result == yours
    assert merge(base, theirs, theirs).result == theirs
    merged, turned = merge(base, theirs, yours), merge(base, yours, theirs)
    assert {cell.key for cell in merged.conflicts} == {cell.key for cell in turned.conflicts}
    if not merged.conflicts:
        assert merged.result == turned.result
    assert resolve(turned, {cell.key: "yours" for cell in turned.conflicts}) == resolve(
        merged, {cell.key: "theirs" for cell in merged.conflicts}
    )
    for cell in merged.touched:
        assert cell.conflict or cell.result in (cell.theirs, cell.yours)
