"""Types of expressions, checked against the tools they speak of before anything is decided by them."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from policies.engine.celtypes import check_types
from policies.engine.document import load
from policies.engine.types import ToolFacts
from policies.engine.yaml_out import dump

INPUT = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"}, "rate": {"type": "number"}, "name": {"type": "string"}, "loud": {"type": "boolean"},
        "kind": {"enum": ["a", "b"]}, "mixed": {"enum": ["a", 1]}, "tags": {"type": "array", "items": {"type": "string"}}, "any": {},
        "to": {"type": "object", "properties": {"city": {"type": "string"}}}, "lines": {"type": "array", "items": {
            "type": "object", "properties": {"cost": {"type": "integer"}}}}, "open": {"type": "object"}, "either": {"type": ["string", "null"]},
        "list": {"type": "array"},
    },
}  # fmt: skip
FIELDS = {"type": "object", "properties": {"note": {"type": "string"}}}


@dataclass(frozen=True)
class Entry:
    facts: ToolFacts
    input_schema: dict[str, Any] = field(default_factory=lambda: INPUT)
    field_schema: dict[str, Any] = field(default_factory=lambda: FIELDS)


SAVE = Entry(ToolFacts("a.save", "a", "write", "reversible"))
LOOK = Entry(ToolFacts("a.look", "a", "read", "reversible"), {"type": "object", "properties": {}}, {})
TOOLS = {entry.facts.name: entry for entry in (SAVE, LOOK)}


def found(source, when=None, scopes=None):
    document = {
        "policy": {"slug": "t", "name": "T"},
        "roles": {"r": {"tier": "autonomous", "tools": {"a.save": {}}, "scopes": scopes or {}}},
        "invariants": [
            {"id": "i", "when": {"tools": ["a.save"]} if when is None else when, "reason": "No.", "require": source}
        ],
    }
    return check_types(load(dump(document)), TOOLS)


GOOD = (
    "args.amount > 5", "args.amount > 5.5", "args.rate <= 1", "args.rate * 2.0 > 1.0", "args.amount + 1 == 2", 'args.name + "x" == "yx"',
    'args.name == "x" && !args.loud', "args.loud", "args.loud || args.amount == 1", 'args.kind == "a"', 'args.kind.startsWith("a")',
    "args.mixed == 1", 'args.mixed == "a"', 'args.tags.all(x, x.startsWith("a"))', '"a" in args.tags', "size(args.tags) == 1", 'size(args.name) > 1',
    "args.any.deep.er == 1", "args.any == 5", 'args.to.city == "R"', "size(args.to) == 1", "args.lines.all(x, x.cost > 1)", "args.lines[0].cost == 1",
    "args.lines.map(x, x.cost) == [1]", 'args.lines.map(x, x.cost > 1, x.cost).exists(y, y == 1)', "args.lines.filter(x, x.cost > 1).all(x, x.cost < 5)",
    "args.open.whatever == 1", 'args.either == "x"', "args.either == null", "args.amount != null", "null == args.name", 'fields.note == "x"',
    "record.a.b > 5", "record.a.all(x, x.b)", 'recipients.all(x, x.endsWith("a"))', 'requester.groups.exists(g, g == "x")', 'agent.slug == "x"',
    'money.amount > 5 && money.currency == "USD"', 'tool.name == "x"', "has(args.amount)", "has(record.x)", "has(args.to.city)",
    "args.loud ? args.loud : false", "(args.loud ? args.amount : 2) > 1", "(args.loud ? args.amount : args.name) == 1", "int(args.name) > 5",
    'string(args.amount) == "5"', "double(args.amount) > 1.5", "-args.amount < 0", "-args.rate < 0.5", 'args.name.matches("a+")',
    'args.name.contains("a")', 'type(args.amount) == type(1)', "[1, 2] == [args.amount]", "args.tags + args.tags == []", "{'a': args.amount}.a == 1",
    "{'a': 1} == args.to", "args.tags == []", "args.list.all(x, x > 1)", "[1, 'a'].exists(x, x == 1)", "args.amount % 2 == 0", "true",
    'args.name in {"a": 1}', "args.any in args.any", 'timestamp("2026-01-01T00:00:00Z") < timestamp("2026-01-02T00:00:00Z")', "uint(1) == 1",
    "args.tags[args.amount] == 'x'", "args.tags.exists_one(x, x == 'a')",
)  # fmt: skip
BAD = {
    'args.amount > "5"': "whole number and text cannot be compared by >.",
    "args.name > 5": "text and whole number cannot be compared by >.",
    "args.loud == 1": "true or false and whole number cannot be compared by ==.",
    "args.loud < true && args.name >= true": "text and true or false cannot be compared by >=.",
    "null < args.amount": "nothing and whole number cannot be compared by <.",
    'args.kind == 5': "text and whole number cannot be compared by ==.",
    "args.amout > 5": "there is no amout there. Known: amount, any,",
    "fields.nope == 1": "there is no nope there. Known: note.",
    "args.to.zip == 1": "there is no zip there. Known: city.",
    "args.name.first == 1": "text has no part first.",
    "args.amount[0] == 1": "whole number has no elements.",
    "args.lines.all(x, x.price > 1)": "there is no price there. Known: cost.",
    "args.lines[0].price == 1": "there is no price there. Known: cost.",
    "args.lines.filter(x, x.cost > 1).all(x, x.price < 5)": "there is no price there. Known: cost.",
    "args.lines.map(x, x.cost).all(c, c.startsWith('a'))": "startsWith needs text, not whole number.",
    "args.tags.all(x, x > 5)": "text and whole number cannot be compared by >.",
    "args.tags.all(x, x)": "all needs true or false of each element, not text.",
    "args.tags.filter(x, 1).size() == 1": "filter needs true or false of each element, not whole number.",
    "args.name.all(x, true)": "all needs a list, not text.",
    "args.to.all(x, true)": "all needs a list, not map.",
    "5 in args.tags": "whole number and text cannot be compared by in.",
    "args.name in args.name": "`in` needs a list on the right, not text.",
    "args.name + 1 == 2": "+ cannot join text and whole number.",
    "args.amount + 1.5 == 2.5": "+ cannot join whole number and number.",
    "args.name * args.name == 2": "* cannot join text and text.",
    "args.tags - args.tags == []": "- cannot join list and list.",
    "!args.name": "! needs true or false, not text.",
    "-args.name == 1": "- needs a number, not text.",
    "args.name && true": "&& needs true or false on both sides, not text.",
    "true || args.amount": "|| needs true or false on both sides, not whole number.",
    "args.name ? true : false": "the question before ? needs true or false, not text.",
    "args.amount": "the result is whole number, not true or false.",
    "args.tags": "the result is list, not true or false.",
    "args.name.startsWith(5)": "startsWith needs text, not whole number.",
    "args.amount.endsWith('a')": "endsWith needs text, not whole number.",
    "size(args.amount) == 1": "size needs a text, list or record, not whole number.",
    "size(args.name) == 'a'": "whole number and text cannot be compared by ==.",
    "has(args.nope)": "there is no nope there.",
    "has(args.amount, args.name)": "has() takes one part, as in has(record.zip).",
    "[1, 2].exists(x, x == 'a')": "whole number and text cannot be compared by ==.",
    "{'a': args.nope}.a == 1": "there is no nope there.",
    "(args.loud ? 1 : 2) == 'a'": "whole number and text cannot be compared by ==.",
    "requester.group == 'x'": "there is no group there. Known: email, groups, id, name, roles.",
    "money.value > 1": "there is no value there. Known: amount, currency.",
    "tool.id == 'x'": "there is no id there. Known: effect_class, name, resource_type.",
    "string(args.amount) > 5": "text and whole number cannot be compared by >.",
}  # fmt: skip


@pytest.mark.parametrize("source", GOOD)
def test_what_may_be_right_is_left_alone(source):
    assert found(source) == ()


@pytest.mark.parametrize("source", BAD)
def test_what_is_wrong_is_named_with_its_rule_and_tool(source):
    said = found(source)
    assert len(said) == 1 and said[0].startswith("invariants.i, for a.save: ") and BAD[source] in said[0], said


def test_only_tools_that_the_rule_speaks_of_are_asked():
    assert found("args.amount > 5", when={"tools": ["a.look"]}) == (
        "invariants.i, for a.look: there is no amount there. Known: nothing.",
    )
    assert found("args.amount > 5", when={"effect_classes": ["write"]}) == ()
    assert len(found("args.amount > 5", when={})) == len(found("args.amount > 5", when={"resource_types": ["a"]})) == 1
    assert found("args.amount > 5", when={"tools": ["unknown"]}) == ()


def test_scopes_are_checked_for_the_tools_of_the_role():
    assert found("true", scopes={"a": 'args.amount == "x"'}) == (
        "roles.r.scopes.a, for a.save: whole number and text cannot be compared by ==.",
    )
    assert found("true", scopes={"b": "args.nope == 1"}) == () == found("true", scopes={"a": "record.x == 1"})


def test_a_mistake_is_said_once():
    assert len(found('args.amount == "a" || args.amount == "b"')) == 1
