"""Which operations of a document can be tools, and the reason of each that cannot (B-02, B-06, M-07)."""

import json

import pytest

from actions.arguments import BadArguments, check_arguments
from actions.connectors.operation import fill, parse_operation
from actions.definition import Definition
from actions.offers import BadChoice, Choice, definition_of
from actions.openapi.document import BadDocument, read_openapi
from actions.openapi.operations import openapi_offers
from tests.upstreams.shop import DELETE_KEY, GET_KEY, PATCH_KEY, TEXT

ANSWER = {"200": {"description": "d", "content": {"application/json": {"schema": {"type": "object"}}}}}
PLAIN = {"type": "object", "properties": {"a": {"type": "string"}}}


def offers(paths, version="3.1.0", **more):
    text = json.dumps({"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **more})
    return openapi_offers("shop", read_openapi(text))


def post(**said):
    return {"post": {"responses": ANSWER, **said}}


def asks(name, place, **said):
    return {"parameters": [{"name": name, "in": place, "schema": {"type": "string"}, **said}]}


def body(schema, kind="application/json", **said):
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}, **said}}


def shop():
    return {one.key: one for one in openapi_offers("shop", read_openapi(TEXT))}


def test_what_a_connection_carries_out_is_offered_and_the_rest_has_its_reason():
    told = {key: one.problem for key, one in shop().items()}
    assert {key for key, why in told.items() if not why} == {GET_KEY, PATCH_KEY, DELETE_KEY}
    assert told["GET /orders"] == "An answer 200 is not one JSON object. No answer of it says in JSON that it was done."
    assert told["POST /photos"] == "Its body is multipart/form-data. A connection sends JSON."


def test_an_operation_says_exactly_what_is_sent():
    found = shop()
    read, change, remove = (found[key].operation for key in (GET_KEY, PATCH_KEY, DELETE_KEY))
    assert read["read"] == {"path": "/orders/{orderId}{?expand}", "scope": "read"}
    assert change["write"] == {
        "method": "PATCH", "path": "/orders/{orderId}", "scope": "write", "body": "fields", "ok": [200],
    }  # fmt: skip
    assert remove["write"] == {
        "method": "DELETE", "path": "/orders/{orderId}{?reason}", "scope": "write", "body": "none", "ok": [204], "empty": [204],
    }  # fmt: skip
    for one in (read, change, remove):
        assert parse_operation(one).klass == "C"


def test_schemas_are_closed_and_in_one_dialect():
    schema = shop()[PATCH_KEY].input_schema
    inside = schema["properties"]["body"]
    assert schema["additionalProperties"] is False and schema["required"] == ["orderId", "body"]
    assert set(inside["properties"]) == {"note", "count", "address"}, "what the system sets itself is not sent"
    assert inside["properties"]["note"]["type"] == ["string", "null"]
    assert inside["properties"]["count"] == {"type": "integer", "exclusiveMinimum": 0}
    assert inside["properties"]["address"]["additionalProperties"] is False
    assert "pattern" not in inside["properties"]["address"]["properties"]["city"]
    definition = Definition(definition_of(shop()[PATCH_KEY], Choice("write", "irreversible"), {}))
    check_arguments(definition, {"orderId": "7", "body": {"note": None, "count": 1}})
    for bad in (
        {"orderId": "7", "body": {"id": "8"}}, {"orderId": "7", "body": {"count": 0}}, {"orderId": "", "body": {}},
        {"orderId": "7", "body": {"address": {"zip": "1"}}}, {"orderId": "7", "body": {}, "x": 1}, {"orderId": "7"},
    ):  # fmt: skip
        with pytest.raises(BadArguments):
            check_arguments(definition, bad)
    assert definition.fields({"orderId": "7", "body": {"note": "x"}}) == {"note": "x"}


def test_the_method_is_a_hint_and_bounds_what_an_admin_can_say():
    found = shop()
    assert [found[key].suggests for key in (GET_KEY, PATCH_KEY)] == ["read", "write"] and found[GET_KEY].hints
    for key, effect in ((GET_KEY, "write"), (DELETE_KEY, "read")):
        with pytest.raises(BadChoice, match="only as"):
            definition_of(found[key], Choice(effect, "irreversible"), found)


REFUSED = {
    "Its body is multipart/form-data": {"/x": post(**body(PLAIN, "multipart/form-data"))},
    "Its body is application/x-www-form": {"/x": post(**body(PLAIN, "application/x-www-form-urlencoded"))},
    "It needs what a connection does not send: sid is a cookie": {"/x": post(**asks("sid", "cookie", required=True))},
    "It needs what a connection does not send: X-Org is a header": {"/x": post(**asks("X-Org", "header", required=True))},
    "It asks for callbacks": {"/x": post(callbacks={"done": {"{$request.body#/url}": {}}})},
    "It names a server of its own": {"/x": post(servers=[{"url": "https://other.example"}])},
    "It names a server": {"/x": {**post(), "servers": [{"url": "//other.example"}]}},
    "oneOf stands over all its arguments": {"/x": post(**body({"oneOf": [PLAIN, PLAIN]}))},
    "Its arguments are not an object": {"/x": post(**body({"type": "array", "items": {}}))},
    "patternProperties is not supported": {"/x": post(**body({**PLAIN, "patternProperties": {"^(a+)+$": {}}}))},
    "Nothing says what its body holds": {"/x": post(requestBody={"content": {"application/json": {}}})},
    "names nothing in the document": {"/x": post(**body({"$ref": "#/components/schemas/None"}))},
    "A part of it is not an object, or refers": {"/x": post(requestBody={"$ref": "#/paths/~1x/post/requestBody"})},
    "described elsewhere": {"/x": {"$ref": "#/components/pathItems/X"}},
    "It is not an object": {"/x": {"post": []}},
    "Its parameters are not a list": {"/x": post(parameters={"name": "a"})},
    "stands in no place": {"/x": post(parameters=[{"name": "a", "in": "body"}])},
    "Its path names id, which": {"/x/{id}": post()},
    "id is to stand in its path": {"/x": post(**asks("id", "path", required=True))},
    "id in its path is array": {"/x/{id}": post(**asks("id", "path", schema={"type": "array"}))},
    "id in its path is number": {"/x/{id}": post(**asks("id", "path", schema={"type": "number"}))},
    "id in its path is a yes or no": {"/x/{id}": post(**asks("id", "path", schema={"type": "boolean"}))},
    "id in its path is written in a way": {"/x/{id}": post(**asks("id", "path", style="matrix"))},
    "not a name that starts with a letter": {"/x/{1}": post(**asks("1", "path"))},
    "Two of its arguments are called body": {"/x/{body}": post(**asks("body", "path"), **body(PLAIN))},
    "ids in its query is array": {"/x": post(**asks("ids", "query", required=True, schema={"type": "array"}))},
    "page-size in its query has a name": {"/x": post(**asks("page-size", "query", required=True))},
    "An answer 202 does not say that it was done": {"/x": post(responses={"202": {}})},
    "An answer 200 is text/csv, not JSON": {"/x": post(responses={"200": {"content": {"text/csv": {}}}})},
    "No answer of it says": {"/x": post(responses={"default": {}, "2XX": {}})},
    "What is read must answer 200": {"/x": {"get": {"responses": {"204": {}}}}},
    "A connection does not send HEAD": {"/x": {"head": {"responses": ANSWER}}},
    "its body is one of a GET": {"/x": {"get": {"responses": ANSWER, **body(PLAIN)}}},
}  # fmt: skip


@pytest.mark.parametrize("told", REFUSED)
def test_what_cannot_be_carried_out_faithfully_is_not_offered(told):
    (found,) = offers(REFUSED[told])
    assert told in found.problem and not found.input_schema
    with pytest.raises(BadChoice):
        definition_of(found, Choice("write", "irreversible"), {})


@pytest.mark.parametrize(
    "path",
    ["/../admin", "/a/../b", "/a/%2e%2e/b", "//evil.example/x", "/a//b", "http://evil.example/", "/a?b=c", "/a#b",
     "/.git", "/a\\b", "/a b", "/é", "a", "", "/{?x}", "/a:cancel"],
)  # fmt: skip
def test_a_path_that_leaves_or_hides_where_it_goes_is_not_offered(path):
    (found,) = offers({path: post()})
    assert found.problem


def test_circles_end_and_have_their_reason():
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    (found,) = offers(
        {"/x": post(**body({"$ref": "#/components/schemas/Node"}))}, components={"schemas": {"Node": node}}
    )
    assert "refers to itself" in found.problem
    assert found.operation["openapi"]["refs"].startswith("sha256:")


def test_operations_of_one_name_are_told_apart_or_refused():
    same = offers({"/a": post(operationId="go"), "/b": post(operationId="go")})
    assert ["Several operations have the operationId go" in one.problem for one in same] == [True, True]
    alike = offers({"/a": post(operationId="goNow"), "/b": post(operationId="go_now")})
    assert [bool(one.problem) for one in alike] == [False, True]
    assert offers({"/a/b": post()})[0].name == "shop.post_a_b"


def test_what_may_be_absent_is_left_out_and_told():
    (found,) = offers({"/x": post(parameters=[
        {"name": "X-Org", "in": "header", "schema": {"type": "string"}},
        {"name": "sid", "in": "cookie", "schema": {"type": "string"}},
        {"name": "ids", "in": "query", "schema": {"type": "array"}},
        {"name": "limit", "in": "query", "schema": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        {"name": "Accept", "in": "header", "required": True},
        {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}},
    ])})  # fmt: skip
    assert not found.problem and list(found.input_schema["properties"]) == ["limit"]
    assert found.input_schema["properties"]["limit"] == {"type": "integer"} and "required" not in found.input_schema
    assert found.operation["write"]["key_header"] == "Idempotency-Key" and found.operation["class"] == "C"
    assert [note.split(" ")[2] for note in found.notes if note.startswith("Left out")] == ["X-Org", "sid", "ids"]


def test_an_operations_own_parameter_counts_before_that_of_its_path():
    item = {**asks("q", "query", schema={"type": "array"}, required=True), **post(**asks("q", "query"))}
    (found,) = offers({"/x": item})
    assert found.input_schema["properties"] == {"q": {"type": "string"}}


@pytest.mark.parametrize(
    ("scheme", "fits"),
    [({"type": "http", "scheme": "bearer"}, True), ({"type": "apiKey", "in": "header", "name": "X-Key"}, True),
     ({"type": "oauth2", "flows": {"x": {"tokenUrl": "http://169.254.169.254/"}}}, True),
     ({"type": "apiKey", "in": "query", "name": "key"}, False), ({"type": "apiKey", "in": "cookie"}, False),
     ({"type": "mutualTLS"}, False)],
)  # fmt: skip
def test_a_sign_in_that_a_connection_has_not_refuses_the_operation(scheme, fits):
    (found,) = offers({"/x": post(security=[{"s": ["orders:write"]}])}, components={"securitySchemes": {"s": scheme}})
    assert bool(found.problem) is not fits
    if fits:
        assert found.operation["write"]["scope"] == "orders:write"
    else:
        assert "signed in to by s" in found.problem


def test_a_webhook_is_named_and_not_offered():
    found = offers({"/x": post()}, webhooks={"paid": {"post": {}}})
    assert found[1].key == "webhook paid" and "not something to call" in found[1].problem


@pytest.mark.parametrize(
    ("values", "path"),
    [({"id": "7"}, "/x/7"), ({"id": "7", "open": True}, "/x/7?open=true"),
     ({"id": "7", "q": "a/../b&open=false#", "open": False}, "/x/7?q=a%2F..%2Fb%26open%3Dfalse%23&open=false")],
)  # fmt: skip
def test_a_query_holds_what_the_call_has_and_stays_one(values, path):
    assert fill("/x/{id}{?q,open}", values) == path


def places(node, at=()):
    yield at
    for key, part in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(part, (*at, key))


def replaced(node, at, part):
    if not at:
        return part
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    found = {key: replaced(one, at[1:], part) if key == at[0] else one for key, one in pairs}
    return found if isinstance(node, dict) else list(found.values())


@pytest.mark.parametrize("part", [5, [{}], {"type": {}}], ids=repr)
def test_whatever_stands_anywhere_is_an_offer_or_a_reason(part):
    whole = read_openapi(TEXT).value
    for at in places(whole):
        try:
            found = openapi_offers("shop", read_openapi(json.dumps(replaced(whole, at, part))))
        except BadDocument as error:
            assert str(error).startswith("/") or "openapi" in str(error), at
            continue
        assert all(one.problem or parse_operation(one.operation).klass == "C" for one in found), at
