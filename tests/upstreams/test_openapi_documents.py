"""Hostile OpenAPI documents: refused whole, with the place, quickly, and nothing is fetched (R-31, R-32)."""

import json
import time

import pytest
import yaml

from actions.openapi.document import MAX_DOCUMENT, BadDocument, read_openapi
from actions.openapi.operations import MAX_OPERATIONS, openapi_offers
from tests.upstreams.shop import TEXT

HEAD = '{"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, '
YAML = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
BOMB = YAML + "a: &a [x, x]\nb: &b [*a, *a]\npaths: {/x: *b}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("# nothing", "object with"),
        ("[1]", "object with"),
        ('{"a": 1,}', "Line 1, column 9: Not JSON"),
        (HEAD + '"paths": {"/x": {}, "/x": {}}}', "/paths/~1x: It stands twice"),
        (HEAD + '"paths": {"/x": NaN}}', "/paths/~1x: NaN"),
        (HEAD + '"paths": {"/x": 9223372036854775807}}', "/paths/~1x: 9223372036854775807 is beyond"),
        (HEAD + '"paths": {"/x": 1e999}}', "/paths/~1x: 1e999"),
        (HEAD + '"paths": {"/x": "a\\u202eb"}}', "/paths/~1x: This text holds"),
        (HEAD + '"paths": {"/x": "\\ud800"}}', "/paths/~1x: This text holds"),
        (HEAD + '"paths": {"/\\u200bx": 1}}', "/paths: A name holds"),
        (HEAD + '"paths": []}', "/paths: It is not an object"),
        (YAML + "paths: {}\npaths: {}\n", "Line 4, column 1: paths: paths stands twice"),
        (YAML + "paths: {/x: {get: no}}\n", "Line 3, column 19: paths./x.get: no is not a plain value"),
        (YAML + "paths: [\n", "Not YAML"),
        (BOMB, "Line 3, column 4: Anchors, aliases and tags"),
        (YAML + "paths: !!python/object:os.system {}\n", "Line 3, column 8: Anchors, aliases and tags"),
        (YAML + "paths: {}\n---\nb: 1\n", "Not YAML"),
        (YAML + "paths: \x07\n", "control character"),
        ("swagger: '2.0'\ninfo: {title: T}\n", "/openapi: Only 3.0 and 3.1 are read, not Swagger 2.0"),
        ("openapi: 3.2.0\ninfo: {title: T}\n", "/openapi: Only 3.0 and 3.1"),
        ("openapi: 3.1.0\ninfo: {}\n", "/info/title"),
        (YAML + "jsonSchemaDialect: https://evil.example/x\n", "/jsonSchemaDialect"),
        (YAML, "/paths: It describes no operation"),
    ],
)
def test_what_is_not_one_plain_document_is_refused_with_its_place(text, told):
    with pytest.raises(BadDocument) as said:
        openapi_offers("shop", read_openapi(text))
    assert told in str(said.value)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/x.json",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "other.yaml#/a",
        "//h/x",
        "#anchor",
    ],
)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_reference_out_of_the_document_is_refused_with_its_place(target, form):
    schema = {"schema": {"$ref": target}}
    paths = {"/x": {"get": {"responses": {"200": {"description": "d", "content": {"application/json": schema}}}}}}
    text = HEAD + f'"paths": {json.dumps(paths)}}}' if form == "json" else YAML + f"paths: {json.dumps(paths)}\n"
    with pytest.raises(
        BadDocument, match=r"/paths/~1x/get/responses/200/content/application~1json/schema/\$ref"
    ) as said:
        read_openapi(text)
    assert target in str(said.value) and "nothing is fetched" in str(said.value)


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000, "a: " + "[" * 900, "- " * 900 + "a"])
def test_what_is_nested_too_deep_is_refused(deep):
    text = HEAD + '"x": ' + deep if deep[0] in "[{" else deep
    with pytest.raises(BadDocument, match=r"Nested deeper than 64 levels|Not JSON"):
        read_openapi(text)


def test_a_json_document_may_be_as_deep_as_the_bound_and_no_deeper():
    assert read_openapi(HEAD + '"x": ' + "[" * 64 + "]" * 64 + "}").title == "T"
    with pytest.raises(BadDocument, match="Nested deeper than 64 levels"):
        read_openapi(HEAD + '"x": ' + "[" * 65 + "]" * 65 + "}")


def test_what_is_too_large_is_refused():
    with pytest.raises(BadDocument, match="more than 1024 KiB"):
        read_openapi(HEAD + '"x": "' + "a" * MAX_DOCUMENT + '"}')


def test_ten_thousand_operations_are_refused_in_seconds():
    paths = {f"/a{n}": {"get": {"responses": {}}} for n in range(10_000)}
    started = time.process_time()
    with pytest.raises(BadDocument, match=f"more than {MAX_OPERATIONS} operations"):
        openapi_offers("shop", read_openapi(HEAD + f'"paths": {json.dumps(paths)}}}'))
    assert time.process_time() - started < 5


def test_schemas_that_grow_when_written_out_end_by_their_bound():
    """500 operations whose bodies each double thirty times."""
    schemas = {
        f"S{n}": {"type": "object", "properties": {key: {"$ref": f"#/components/schemas/S{n + 1}"} for key in "ab"}}
        for n in range(20)
    }
    schemas["S20"] = {"type": "string"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    paths = {f"/a{n}": {"post": {"requestBody": body, "responses": {"200": {}}}} for n in range(MAX_OPERATIONS)}
    text = HEAD + f'"paths": {json.dumps(paths)}, "components": {json.dumps({"schemas": schemas})}}}'
    started = time.process_time()
    offers = openapi_offers("shop", read_openapi(text))
    assert time.process_time() - started < 10
    assert "more than 3000 parts" in offers[0].problem and "more than 60,000 parts" in offers[-1].problem


def test_the_same_document_in_json_and_yaml_offers_the_same():
    plain = {str(key): part for key, part in yaml.safe_load(TEXT).items()}
    text = json.dumps(plain)  # Status codes become names, as everywhere in JSON.
    assert openapi_offers("shop", read_openapi(text)) == openapi_offers("shop", read_openapi(TEXT))


def test_the_documents_servers_are_told_and_nothing_else():
    document = read_openapi(TEXT)
    assert document.servers == ("http://169.254.169.254/latest",) and document.digest.startswith("sha256:")
    assert "169.254" not in json.dumps([one.to_json() for one in openapi_offers("shop", document)])
