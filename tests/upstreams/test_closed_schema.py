"""A stranger's schema becomes one that Remit can check in bounded time, or is refused with the reason (M-07, R-30, R-32)."""

import time

import pytest
from jsonschema import Draft202012Validator

from actions.closed_schema import SchemaProblem, closed

ENTITY = {"type": "object", "properties": {"name": {"type": "string"}}}


def close(schema: dict) -> dict:
    return closed(schema, schema).schema


def refuses(schema: dict, arguments: object) -> bool:
    return not Draft202012Validator(close(schema)).is_valid(arguments)


def test_unknown_names_are_refused_at_every_depth():
    schema = {"type": "object", "properties": {"to": ENTITY, "all": {"type": "array", "items": ENTITY}}}
    assert (
        refuses(schema, {"x": 1}) and refuses(schema, {"to": {"admin": True}}) and refuses(schema, {"all": [{"x": 1}]})
    )
    assert not refuses(schema, {"to": {"name": "Maya"}, "all": [{"name": "Omar"}]})


def test_what_is_said_to_be_open_inside_stays_so():
    schema = {
        "type": "object",
        "properties": {"labels": {"type": "object", "additionalProperties": {"type": "string"}}},
    }
    assert not refuses(schema, {"labels": {"any": "text"}}) and refuses(schema, {"labels": {"any": 1}})


def test_open_arguments_are_closed_and_told():
    found = closed({"additionalProperties": True, "properties": {"a": {}}}, {})
    assert found.schema["additionalProperties"] is False and "Only those it lists" in found.notes[0]


def test_local_references_are_written_out():
    schema = {"type": "object", "properties": {"to": {"$ref": "#/$defs/e~1n"}}, "$defs": {"e/n": ENTITY}}
    assert (
        refuses(schema, {"to": {"name": 1}}) and "$ref" not in str(close(schema)) and "$defs" not in str(close(schema))
    )


@pytest.mark.parametrize(
    ("part", "said"),
    [({"$ref": "https://schemas.example.com/x"}, "nothing is fetched"), ({"$ref": "other.json#/a"}, "nothing is fetched"),
     ({"$ref": "#/$defs/loop"}, "refers to itself"), ({"$ref": "#/$defs/none"}, "names nothing"),
     ({"$ref": "#/$defs/e", "maxProperties": 2}, "stands beside"), ({"$dynamicRef": "#x"}, "not supported"),
     ({"patternProperties": {"^x": {}}}, "not supported"), ({"x-mcp-header": "X-Tenant"}, "not supported"), (7, "not a schema"),
     ({"type": "strange"}, "strange")],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(part, said):
    loop = {"properties": {"next": {"$ref": "#/$defs/loop"}}}
    schema = {"type": "object", "properties": {"a": part}, "$defs": {"loop": loop, "e": ENTITY}}
    with pytest.raises(SchemaProblem, match=said.replace("$", r"\$")):
        close(schema)


@pytest.mark.parametrize("top", [{"type": "array"}, {"oneOf": [{}]}, {"$ref": "#/x"}, {"required": ["gone"]}])
def test_arguments_that_cannot_be_closed_are_refused(top):
    with pytest.raises(SchemaProblem):
        close(top)


def test_bounds_hold_for_what_grows_and_what_nests():
    bomb = {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "abcdefgh"}} for n in range(12)}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {**bomb, "d12": {}}}
    deep: dict = {}
    for _ in range(200):
        deep = {"items": deep}
    began = time.process_time()
    for hostile in (schema, {"type": "object", "properties": {"a": deep}}):
        with pytest.raises(SchemaProblem, match="more than 3000 parts"):
            close(hostile)
    assert time.process_time() - began < 2


def test_a_pattern_that_takes_hours_is_left_to_the_system():
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    began = time.process_time()
    assert not refuses(schema, {"a": "a" * 60 + "!"}) and time.process_time() - began < 1
    assert closed(schema, schema).notes == ["The pattern of /properties/a is left to the system to check."]
