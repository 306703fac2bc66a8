"""What a document reads where it writes: the difference before, the version with the change, a second read after (P5)."""

import json

import pytest

from actions.importing import read_document
from actions.models import Action, Tool
from actions.offers import BadChoice, Choice, definition_of
from actions.openapi.document import read_openapi
from actions.openapi.looks import looked
from actions.openapi.operations import openapi_offers
from actions.tool_versions import blocked_names
from actions.tools import BadTool, load_definitions
from approvals.as_text import request_as_text
from gateway.mcp.answers import facts_of
from tests.builders import opened, request_of, vote, work
from tests.upstreams.shop import (
    CHANGE,
    DELETE_KEY,
    GET_KEY,
    PATCH_KEY,
    REMOVE,
    TEXT,
    bring_shop,
    connect_shop,
    running_shop,
)
from tests.upstreams.test_import import browser
from tests.upstreams.test_openapi_offers import ANSWER, PLAIN, body, offers
from tests.upstreams.world import allow_plain, ask
from traces.models import Entry
from traces.show import show

LOOKS = {
    GET_KEY: Choice("read", "reversible"),
    PATCH_KEY: Choice("write", "reversible", look=GET_KEY),
    DELETE_KEY: Choice("write", "irreversible", look=GET_KEY),
}
VERSIONED = TEXT.replace(
    "summary: Change an order",
    "summary: Change an order\n      parameters: [{name: If-Match, in: header, required: true, schema: {type: string}}]",
)
CALL = {"orderId": "o 1", "body": {"note": "call back"}}


@pytest.fixture
def shop(cast):
    with running_shop() as found:
        found.orders["o 1"]["count"] = 1
        bring_shop(cast, connect_shop(cast, found.url), VERSIONED, LOOKS)
        found.etag = '"v1"'
        yield found


def changes(shop):
    return [asked for asked in shop.asked if asked[0] == "PATCH"]


def test_a_reviewer_sees_the_difference_and_the_effect_is_read_back(cast, shop):
    allow_plain(cast, {CHANGE: "approval"}, write=("note",))
    trace = opened(cast)
    assert ask(cast, trace, CHANGE, CALL)["state"] == "pending" and not changes(shop)
    request = request_of(trace, CHANGE)
    assert [(row["field"], row["old"], row["new"]) for row in request.displayed["payload"]["rows"]] == [
        ("note", "as it was", "call back")
    ]
    vote(cast, request, "priya")
    work(trace)
    action = Action.objects.get(trace=trace)
    assert action.state == "succeeded" and action.result["verified"] and action.result["read_back"]
    assert changes(shop)[0][3]["if-match"] == '"v1"', "the version that was read is sent with the change"
    assert facts_of(action)["message"].startswith("Executed once and read back.")
    assert action.inverse["rows"][0] == {"field": "note", "kind": "changed", "old": "call back", "new": "as it was"}


def test_a_record_that_moved_after_the_approval_is_not_written(cast, shop):
    allow_plain(cast, {CHANGE: "approval"}, write=("note",))
    trace = opened(cast)
    ask(cast, trace, CHANGE, CALL)
    shop.etag, shop.orders["o 1"]["note"] = '"v2"', "somebody else was here"
    vote(cast, request_of(trace, CHANGE), "priya")
    work(trace)
    action = Action.objects.get(trace=trace)
    assert action.state == "blocked" and "The target changed" in action.detail and not changes(shop)


def test_what_was_dropped_is_never_called_verified(cast, shop):
    shop.drops = {"note"}
    allow_plain(cast, {CHANGE: "auto"}, write=("note",))
    told = ask(cast, opened(cast), CHANGE, CALL)
    assert told["read_back"] is True and told["result"]["verified"] is False
    assert "what was read back is not what was sent" in facts_of(Action.objects.get())["message"]
    assert Entry.objects.get(type="action.succeeded").record["body"]["mismatches"] == ["note"]


@pytest.mark.parametrize("keeps", [False, True])
def test_a_removal_counts_when_the_record_is_gone(cast, shop, keeps):
    shop.keeps = keeps
    allow_plain(cast, {REMOVE: "auto"})
    told = ask(cast, opened(cast), REMOVE, {"orderId": "o 1", "reason": "twice"})
    assert told["state"] == "succeeded" and told["read_back"] is True and told["result"]["verified"] is not keeps


def removal(cast, shop, mode):
    """The order as it stands is to go; of its fields policy lists id and note, and declares none of the count."""
    shop.orders["o 1"] |= {"mail": "ann@birch.example", "card": "4111111111111111"}
    allow_plain(cast, {REMOVE: mode}, read=("id", "note", "mail"), redact={"mail": "email"})
    trace = opened(cast)
    return trace, ask(cast, trace, REMOVE, {"orderId": "o 1", "reason": "twice"})


def test_p3_a_reviewer_sees_the_record_that_will_go_with_what_is_withheld_masked(cast, shop):
    trace, told = removal(cast, shop, "approval")
    assert told["state"] == "pending"
    request = request_of(trace, REMOVE)
    payload = request.displayed["payload"]
    rows = {row["field"]: (row["kind"], row["old"], row["new"]) for row in payload["rows"]}
    unlisted = {"$withheld": "unlisted field"}
    assert rows == {
        "id": ("removed", "o 1", None), "note": ("removed", "as it was", None), "count": ("removed", unlisted, None),
        "mail": ("removed", {"$withheld": "email"}, None), "card": ("removed", unlisted, None),
    }  # fmt: skip
    page = browser(cast, "priya").get(f"/approvals/{request.pk}/").content.decode()
    assert "What will be removed" in page and "as it was" in page and 'class="redacted"' in page
    assert "ann@birch.example" not in page and "4111111111111111" not in page
    raw = browser(cast, "priya").get(f"/approvals/{request.pk}/?view=raw").content.decode()
    assert "ann@birch.example" not in raw and "4111111111111111" not in raw and "as it was" in raw
    told = "\n".join(request_as_text(cast.user("priya"), request))
    assert "note, will be:\n      [removed]" in told and "[withheld: email]" in told and "4111111111111111" not in told
    entries = "".join(Entry.objects.filter(trace=trace).values_list("canonical", flat=True))
    assert "ann@birch.example" not in entries and "4111111111111111" not in entries and "as it was" in entries


@pytest.mark.parametrize("keeps", [False, True])
def test_after_it_show_work_says_whether_the_record_is_absent(cast, shop, keeps):
    shop.keeps = keeps
    trace, _ = removal(cast, shop, "auto")
    story = show(trace, tab="")[0]
    (record,) = story.changes
    assert {row["field"]: row["verified"] for row in record["rows"]}["note"] is not keeps
    assert record["state_text"] == (
        "Read back: the system still has the record." if keeps else "Read back: the record is no longer there."
    )
    assert "removed, with 5 fields" in story.brief_text
    page = browser(cast, "maya").get(f"/traces/{trace.pk}/").content.decode()
    assert record["state_text"] in page and '<span class="hidden-text">removed </span>' in page
    assert ("still there when it was read back" in page) is keeps and "ann@birch.example" not in page


def test_a_removal_whose_record_changed_after_the_approval_is_not_sent(cast, shop):
    trace, _ = removal(cast, shop, "approval")
    shop.etag, shop.orders["o 1"]["note"] = '"v2"', "somebody else was here"
    vote(cast, request_of(trace, REMOVE), "priya")
    work(trace)
    assert Action.objects.get(trace=trace).state == "blocked" and not shop.gone


def test_without_a_look_every_place_says_that_nothing_was_read_back(cast):
    with running_shop() as shop:
        bring_shop(cast, connect_shop(cast, shop.url), TEXT)
        allow_plain(cast, {CHANGE: "auto"}, write=("note",))
        trace = opened(cast)
        told = ask(cast, trace, CHANGE, CALL)
    assert told["read_back"] is False and told["result"]["verified"] is False
    assert "not read back" in facts_of(Action.objects.get())["message"]
    page = browser(cast, "maya").get(f"/traces/{trace.pk}/").content.decode()
    assert page.count("Not read back: only the system’s answer says so.") == 2, "beside the change and the call"
    assert show(trace, tab="calls")[0].calls[0]["not_read_back"]


def test_the_page_offers_the_read_of_the_same_record(cast):
    connection = connect_shop(cast)
    ken = browser(cast, "ken")
    ken.post("/connections/shop/tools/read/", {"document": TEXT})
    page = ken.get("/connections/shop/tools/").content.decode()
    assert page.count("Where its record is read") == 2
    assert page.count('<option value="GET /orders/{OrderId}" selected>') == 2, "the suggestion stands first"
    assert connection.kind == "http"


def test_a_changed_description_of_the_read_blocks_the_tools_that_rest_on_it(cast, shop):
    connection = Tool.objects.get(name=CHANGE).connection
    actor = cast.actor("ken")
    assert read_document(actor=actor, connection=connection, text=VERSIONED).moved == []
    read_document(actor=actor, connection=connection, text=VERSIONED.replace("Read an order", "Read any order"))
    assert {CHANGE, REMOVE} <= blocked_names(cast.northwind)


def test_a_read_that_is_no_longer_described_blocks_them_too(cast, shop):
    connection = Tool.objects.get(name=CHANGE).connection
    read_document(
        actor=cast.actor("ken"),
        connection=connection,
        text=VERSIONED.replace("    get:\n      operationId: getOrder", "    head:\n      operationId: getOrder"),
    )
    assert {CHANGE, REMOVE} <= blocked_names(cast.northwind)


def test_the_same_document_again_imports_the_same_tool(cast, shop):
    bring_shop(cast, Tool.objects.get(name=CHANGE).connection, VERSIONED, LOOKS)
    assert not blocked_names(cast.northwind)


def found(paths):
    return {one.key: one for one in offers(paths)}


def made(paths, key, look, reversibility="irreversible"):
    every = found(paths)
    choice = Choice("write", reversibility, look=look)
    return definition_of(looked(every[key], choice, every), choice, every)


NAMED = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
SHOWS = {
    "200": {
        "description": "d",
        "content": {
            "application/json": {"schema": {**PLAIN, "properties": {"id": {"type": "string"}, "a": {"type": "string"}}}}
        },
    }
}
READS = {"/things/{id}": {**NAMED, "get": {"responses": SHOWS}}}


def test_only_what_shows_something_of_what_is_written_is_offered():
    paths = {
        **READS,
        "/others/{id}": {**NAMED, "get": {"responses": ANSWER}},
        "/things/{id}/close": {**NAMED, "post": {"responses": ANSWER}},
        "/things/{id}/name": {**NAMED, "post": {"responses": ANSWER, **body(PLAIN)}},
    }
    every = found(paths)
    assert every["POST /things/{id}/close"].looks == [], "a call without fields has nothing to compare"
    assert every["POST /things/{id}/name"].looks == ["GET /things/{id}"]
    with pytest.raises(BadChoice, match="does not show what it writes"):
        made(paths, "POST /things/{id}/name", "GET /others/{id}")


def test_what_a_call_makes_is_read_by_the_id_of_its_answer():
    paths = {**READS, "/things": {"post": {"responses": SHOWS, **body(PLAIN)}}}
    definition = made(paths, "POST /things", "GET /things/{id}")
    assert definition["operation"]["read_created"] == {"path": "/things/{id}"} and "read" not in definition["operation"]


def test_a_read_that_needs_more_than_the_call_names_is_not_offered():
    asks = {"name": "view", "in": "query", "required": True, "schema": {"type": "string"}}
    paths = {
        "/things/{id}": {
            **NAMED,
            "get": {"responses": SHOWS, "parameters": [asks]},
            "patch": {"responses": SHOWS, **body(PLAIN)},
        }
    }
    assert found(paths)["PATCH /things/{id}"].looks == []


def test_only_parts_of_a_record_are_promised_to_be_restored(cast):
    paths = {"/things/{id}": {**READS["/things/{id}"], "put": {"responses": SHOWS, **body(PLAIN)}}}
    with pytest.raises(BadChoice, match="Only PATCH changes parts"):
        made(paths, "PUT /things/{id}", "GET /things/{id}", "reversible")
    every = found({"/things": {"post": {"responses": SHOWS, **body(PLAIN)}}, **READS})
    choice = Choice("write", "reversible", look="GET /things/{id}")
    definition = definition_of(looked(every["POST /things"], choice, every), choice, every)
    with pytest.raises(BadTool, match="what a call creates cannot be restored"):
        load_definitions(actor=cast.actor("ken"), connection=connect_shop(cast), definitions=[definition])


def test_a_change_that_needs_a_version_needs_a_read():
    every = {one.key: one for one in openapi_offers("shop", read_openapi(VERSIONED))}
    with pytest.raises(BadChoice, match="If-Match"):
        looked(every[PATCH_KEY], Choice("write", "irreversible"), every)


@pytest.mark.parametrize("tells", [True, False])
def test_an_optional_version_is_sent_where_the_read_gives_one(tells):
    header = {"parameters": [{"name": "if-match", "in": "header", "schema": {"type": "string"}}]}
    shows = json.loads(json.dumps(SHOWS))
    if tells:
        shows["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    paths = {
        "/things/{id}": {**NAMED, "get": {"responses": shows}, "patch": {"responses": SHOWS, **body(PLAIN), **header}}
    }
    write = made(paths, "PATCH /things/{id}", "GET /things/{id}")["operation"]["write"]
    assert write.get("if_match", False) is tells
