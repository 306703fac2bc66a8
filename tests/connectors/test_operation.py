"""Operation sections: closed, and unable to leave the record they name."""

from pathlib import Path

import httpx
import pytest
import yaml

from actions.connectors.operation import OperationError, fill, normalised, parse_operation
from actions.connectors.registry import UnknownKind, connector_for

WORLD = yaml.safe_load((Path(__file__).parents[2] / "sample/world/tools.yaml").read_text())
WRITE = {"method": "POST", "path": "/x", "scope": "a:b", "body": "arguments", "ok": [201]}


@pytest.mark.parametrize(
    "value",
    [
        "..",
        ".",
        "",
        "a\nb",
        "a\x00b",
        "x" * 201,
        "a/b",
        "a\\b",
        "a..b",
        "\u202ea",
        "\ud800",
        None,
        True,
        1.5,
        ["a"],
        {},
    ],
)
def test_values_that_could_name_another_record_are_refused(value):
    with pytest.raises(OperationError, match="id cannot stand in a path"):
        fill("/accounts/{id}", {"id": value})


def test_a_missing_value_is_refused():
    with pytest.raises(OperationError, match="id cannot"):
        fill("/accounts/{id}", {})


@pytest.mark.parametrize(
    ("value", "path"),
    [("acct_1", "acct_1"), (7, "7"), ("a b?c#d&e", "a%20b%3Fc%23d%26e"), ("%2e%2e", "%252e%252e"), ("é", "%C3%A9")],
)
def test_other_values_are_percent_encoded(value, path):
    assert fill("/accounts/{id}", {"id": value}) == f"/accounts/{path}"


def test_an_encoded_slash_really_reaches_another_record(desk):
    """Why a slash is refused and not just encoded: servers decode before they route, the desk among them."""
    head = desk.bearer("accounts:read")
    answer = httpx.get(f"{desk.base_url}/accounts/acct_5521%2Fhistory", headers=head, trust_env=False)
    assert "history" in answer.json()


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "/a/../b", "/./a", "/.hidden", "x", "", "http://evil.example/", "/a//b", "/a?b", "/a?b=c&d",
     "/a#b", "/{a", "/a}", "/{}", "/{A b}", "/a b", "/a\n", "/a%2fb", "/a\\b", "/a?x=y\n"],
)  # fmt: skip
def test_paths_stay_on_the_connections_host(path):
    with pytest.raises(OperationError, match=r"operation\.read\.path"):
        parse_operation({"class": "C", "read": {"path": path, "scope": "a:b"}})


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/", "/rest/v1.2/a-b_c/{id}", "/{a}/{b}/c.json", "/a?x={id}&y=1", "/x{id}", "/a/{id}.json"]
)
def test_ordinary_paths_are_taken(path):
    assert parse_operation({"class": "C", "read": {"path": path, "scope": "a:b"}}).read.path == path


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"retries": 3}, "retries"),
        ({"class": "D"}, r"operation\.class"),
        ({"write": {**WRITE, "method": "TRACE"}}, r"operation\.write\.method"),
        ({"write": {**WRITE, "ok": []}}, r"operation\.write\.ok"),
        ({"write": {**WRITE, "ok": [500]}}, r"operation\.write\.ok"),
        ({"write": {**WRITE, "effect_free": [500]}}, r"operation\.write\.effect_free"),
        ({"write": {**WRITE, "follow": True}}, "follow"),
        ({"write": {**WRITE, "key_header": "X: y"}}, r"operation\.write\.key_header"),
        ({"look_up": {"path": "/x?r={reference}"}}, "at"),
        ({"look_up": {"path": "/x?r={id}", "at": "x", "scope": "a:b"}}, r"operation\.look_up\.path"),
        ({"normalise": {"a": ["reverse"]}}, r"operation\.normalise"),
        ({"link": "javascript:alert(1)"}, r"operation\.link"),
    ],
)
def test_sections_are_closed_and_name_the_field(change, named):
    with pytest.raises(OperationError, match=named):
        parse_operation({"class": "A", "write": WRITE, **change})


def test_a_section_reads_or_writes():
    with pytest.raises(OperationError):
        parse_operation({"class": "A"})


@pytest.mark.parametrize("tool", WORLD["tools"], ids=lambda tool: tool["name"])
def test_the_sample_tools_are_whole(tool):
    operation = parse_operation(tool["operation"])
    names = set(tool["input_schema"]["properties"]) | {"id", "reference"}
    paths = [part["path"] for part in tool["operation"].values() if isinstance(part, dict) and "path" in part]
    assert operation.link or (operation.read and operation.read.rows)  # A search has no page of its own.
    for path in [*paths, *filter(None, [operation.link])]:
        assert fill(path, dict.fromkeys(names, "x")), path
    assert (operation.write is None) == (tool["effect_class"] == "read")
    assert operation.write is None or operation.look_up is not None
    assert all("description" in field for field in _fields(tool["input_schema"]))
    assert all(tool["words"][form][0].isupper() for form in ("noun", "imperative", "present", "past"))


def _fields(schema):
    for field in schema.get("properties", {}).values():
        yield field
        yield from _fields(field)


def test_normalisers_are_applied_in_order_to_texts_only():
    operation = parse_operation({"class": "A", "write": WRITE, "normalise": {"a": ["trim", "collapse", "lower"]}})
    assert normalised(operation, "a", "  Two\t\n WORDS ") == "two words"
    assert normalised(operation, "a", 5) == 5 and normalised(operation, "b", " X ") == " X "


def test_kinds_are_known_by_name():
    assert connector_for("records") is connector_for("records")
    with pytest.raises(UnknownKind, match="Known: agent, http, mcp, records"):
        connector_for("ftp")
