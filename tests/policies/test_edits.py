"""Edits of a document are pure: each gives a new document, changes only its own place and refuses what cannot be meant."""

import re
from copy import deepcopy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies import edits
from policies.edits import EditRefused, fingerprint, value_at
from policies.engine.document import load
from policies.engine.yaml_out import dump
from policies.pages.conditions import OPERATORS, Condition, NotSayable, from_cel, sentence_of, to_cel
from tests.policies.kit import BASE

LIMIT = {"id": "daily", "when": {}, "kind": "count", "per": "agent", "max": 5, "window": "1d", "over": "deny"}
ACCOUNT = {"role": "clerk", "resource_type": "desk.account"}
# name, arguments, path, the value that stands there afterwards
EDITS = [
    ("rename", {"name": "Desk"}, ("policy", "name"), "Desk"),
    ("add_role", {"role": "night", "tier": "read-only"}, ("roles", "night"), {"tier": "read-only", "tools": {}}),
    ("remove_role", {"role": "clerk"}, ("roles", "clerk"), None),
    ("set_tier", {"role": "clerk", "tier": "draft-only", "classes": {}}, ("roles", "clerk", "tier"), "draft-only"),
    ("set_role_terms", {"role": "clerk", "runbook": "https://x.example/r", "on_call": ""}, ("roles", "clerk", "runbook"),
     "https://x.example/r"),
    ("set_mode", {"role": "clerk", "tool": "desk.order.get", "mode": "auto"},
     ("roles", "clerk", "tools", "desk.order.get"), {"mode": "auto"}),
    ("set_mode", {"role": "clerk", "tool": "desk.order.get", "mode": None},
     ("roles", "clerk", "tools", "desk.order.get"), {}),
    ("set_mode", {"role": "clerk", "tool": "desk.account.get", "mode": "approval", "route": "lead"},
     ("roles", "clerk", "tools", "desk.account.get"), {"mode": "approval", "route": "lead"}),
    ("set_mode", {"role": "clerk", "tool": "desk.account.update", "mode": "auto", "route": "lead"},
     ("roles", "clerk", "tools", "desk.account.update"), {"mode": "auto"}),
    ("set_mode", {"role": "clerk", "tool": "desk.account.get", "mode": "off"},
     ("roles", "clerk", "tools", "desk.account.get"), None),
    ("allow_field", {**ACCOUNT, "path": "tier", "kind": "write"},
     ("roles", "clerk", "fields", "desk.account", "write"), ["refund_status", "owner_note", "tier"]),
    ("allow_field", {**ACCOUNT, "path": "owner_note", "kind": "write"},
     ("roles", "clerk", "fields", "desk.account", "write"), ["refund_status", "owner_note"]),
    ("refuse_field", {**ACCOUNT, "path": "owner_note", "kind": "write"},
     ("roles", "clerk", "fields", "desk.account", "write"), ["refund_status"]),
    ("set_mask", {**ACCOUNT, "path": "tier", "kind": "plan"},
     ("roles", "clerk", "fields", "desk.account", "mask"), {"tier": "plan"}),
    ("set_mask", {**ACCOUNT, "path": "tier", "kind": None}, ("roles", "clerk", "fields", "desk.account", "mask"), None),
    ("set_unlisted", {**ACCOUNT, "unlisted": "refuse_action"},
     ("roles", "clerk", "fields", "desk.account", "unlisted"), "refuse_action"),
    ("set_scope", {**ACCOUNT, "expression": "true"}, ("roles", "clerk", "scopes", "desk.account"), "true"),
    ("set_scope", {**ACCOUNT, "expression": None}, ("roles", "clerk", "scopes"), None),
    ("set_redact", {"resource_type": "desk.account", "path": "tier", "kind": "plan"},
     ("redact", "desk.account", "tier"), "plan"),
    ("put_rule", {"section": "limits", "rule": LIMIT}, ("limits", "daily"), LIMIT),
    ("put_route", {"name": "two", "route": {"steps": []}}, ("routes", "two"), {"steps": []}),
    ("rename_route", {"name": "lead", "to": "first"}, ("roles", "clerk", "tools", "desk.account.update", "route"), "first"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "path", "value"), EDITS)
def test_edit_sets_its_place_and_touches_nothing_else(name, arguments, path, value):
    before = deepcopy(BASE)
    after = getattr(edits, name)(BASE, **arguments)
    assert value_at(after, path) == value
    assert before == BASE, "The given document is not changed."


REFUSED = [
    ("add_role", {"role": "clerk", "tier": "read-only"}, "role"),
    ("add_role", {"role": "night", "tier": "all"}, "tier"),
    ("remove_role", {"role": "nobody"}, "role"),
    ("set_tier", {"role": "nobody", "tier": "read-only", "classes": {}}, "role"),
    ("set_mode", {"role": "clerk", "tool": "x", "mode": "always"}, "mode"),
    ("set_mode", {"role": "clerk", "tool": "x", "mode": "approval"}, "route"),
    ("set_mode", {"role": "clerk", "tool": "x", "mode": "approval", "route": "gone"}, "route"),
    ("allow_field", {**ACCOUNT, "path": "*", "kind": "write"}, "path"),
    ("set_unlisted", {**ACCOUNT, "unlisted": "write_anyway"}, "unlisted"),
    ("remove_route", {"name": "lead"}, "name"),
    ("rename_route", {"name": "gone", "to": "x"}, "name"),
    ("put_rule", {"section": "roles", "rule": {"id": "x"}}, "section"),
    ("remove_rule", {"section": "limits", "id": "gone"}, "id"),
]


@pytest.mark.parametrize(("name", "arguments", "field"), REFUSED)
def test_refusal_names_the_input_and_what_to_do(name, arguments, field):
    with pytest.raises(EditRefused) as refused:
        getattr(edits, name)(BASE, **arguments)
    assert refused.value.field == field
    assert refused.value.sentence.endswith(".") and refused.value.remedy.endswith(".")


def test_a_rule_keeps_its_place_when_it_is_replaced_and_takes_no_id_of_another():
    two = edits.put_rule(
        edits.put_rule(BASE, section="limits", rule=LIMIT), section="limits", rule={**LIMIT, "id": "b"}
    )
    changed = edits.put_rule(two, section="limits", rule={**LIMIT, "id": "first"}, replaces="daily")
    assert [rule["id"] for rule in changed["limits"]] == ["first", "b"]
    with pytest.raises(EditRefused):
        edits.put_rule(two, section="limits", rule={**LIMIT, "id": "b"}, replaces="daily")
    assert "limits" not in edits.remove_rule(
        edits.remove_rule(two, section="limits", id="b"), section="limits", id="daily"
    )


def test_a_role_that_a_rule_is_only_about_is_not_removed_under_it():
    rule = {**LIMIT, "when": {"roles": ["clerk"]}}
    with pytest.raises(EditRefused, match="daily"):
        edits.remove_role(edits.put_rule(BASE, section="limits", rule=rule), role="clerk")
    both = edits.add_role(BASE, role="night", tier="read-only")
    both = edits.put_rule(both, section="limits", rule={**LIMIT, "when": {"roles": ["clerk", "night"]}})
    assert edits.remove_role(both, role="clerk")["limits"][0]["when"] == {"roles": ["night"]}


def test_a_refused_read_takes_its_mask_along():
    masked = edits.set_mask(BASE, **ACCOUNT, path="tier", kind="plan")
    assert (
        "mask"
        not in edits.refuse_field(masked, **ACCOUNT, path="tier", kind="read")["roles"]["clerk"]["fields"][
            "desk.account"
        ]
    )


def test_fingerprints_tell_values_apart_and_ignore_the_order_of_names():
    assert fingerprint({"a": 1, "b": None}) == fingerprint({"b": None, "a": 1})
    assert len({fingerprint(value) for value in (None, "", [], {}, 0, False, "0")}) == 7


TOOLS = st.sampled_from(["desk.account.get", "desk.account.update", "desk.order.get", "desk.mail.send"])
MODES = st.sampled_from([("off", None), ("auto", None), ("draft", None), ("approval", "lead"), (None, None)])


@settings(deadline=None)  # The first one of a process makes what the others share.
@given(st.lists(st.tuples(TOOLS, MODES), max_size=6))
def test_any_row_of_cell_edits_gives_a_document_that_loads(steps):
    plain = BASE
    for tool, (mode, route) in steps:
        plain = edits.set_mode(plain, role="clerk", tool=tool, mode=mode, route=route)
    assert load(dump(plain)).plain == plain


FIELDS = st.from_regex(re.compile(r"\A[a-z_]\w{0,8}(\.[a-z]\w{0,5})?\Z", re.ASCII))
VALUES = st.one_of(
    st.text(min_size=1, max_size=12), st.integers().map(str), st.sampled_from(["true", '"5"', "a, b", '"a, b", c'])
)


@given(st.lists(st.builds(Condition, FIELDS, st.sampled_from(list(OPERATORS)), VALUES), min_size=1, max_size=4))
@example([Condition("region", "one_of", " , ")])
@example([Condition("size", "at_most", "1000000000000000")])
def test_what_pickers_say_reads_back_as_the_same_expression(conditions):
    try:
        expression = to_cel(conditions)
    except NotSayable as error:
        assert str(error).endswith(".")
        return
    found = from_cel(expression)
    assert found is not None and to_cel(found) == expression


def test_a_list_of_nothing_asks_for_values():
    with pytest.raises(NotSayable, match="Write the values that region may be"):
        to_cel([Condition("region", "one_of", ",")])


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ('record.region == "EU"', "Only account records where region is EU."),
        ("record.owner == requester.email && record.size <= 5",
         "Only account records where owner is the email of the person who asked and size is at most 5."),
        ('record.region in ["EU", "UK"]', "Only account records where region is one of EU, UK."),
    ],
)  # fmt: skip
def test_scopes_read_as_sentences(expression, sentence):
    assert sentence_of(expression, "Account") == sentence


@pytest.mark.parametrize(
    "expression",
    ["true", 'record.region == "EU" || true', 'record.region == "EU" &&', 'args.x == "1"', "record.a == record.b",
     '(record.a == "x")', 'record.a == "x" && f()', "record.a == 1 + 1"],
)  # fmt: skip
def test_what_pickers_cannot_say_stays_an_expression(expression):
    assert from_cel(expression) is None and sentence_of(expression, "Account") is None


def test_a_redaction_is_lifted_where_one_stands_and_named_where_none_does():
    where = {"resource_type": "desk.account", "path": "tier"}
    assert edits.set_redact(edits.set_redact(BASE, **where, kind="plan"), **where, kind=None) == BASE
    with pytest.raises(EditRefused, match="Name the kind of value to redact it"):
        edits.set_redact(BASE, **where, kind=None)
