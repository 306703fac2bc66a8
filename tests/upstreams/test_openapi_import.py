"""Importing from an OpenAPI document and calling what was imported: one executor, pinned, drift blocks (R-22, R-32, Z-05)."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from actions.importing import ImportRefused, import_tools, read_document
from actions.models import Action, Listing, Tool, ToolVersion
from actions.offers import Choice
from actions.openapi.document import MAX_DOCUMENT
from actions.tool_versions import blocked_names, decide, difference
from tests.builders import opened
from tests.upstreams.shop import (
    CHANGE,
    CHOICES,
    DELETE_KEY,
    GET_KEY,
    PATCH_KEY,
    READ,
    REMOVE,
    TEXT,
    allow_shop,
    bring_shop,
    connect_shop,
    running_shop,
)
from tests.upstreams.test_import import browser
from tests.upstreams.world import ask
from traces.models import Entry


@pytest.fixture
def shop(cast):
    with running_shop() as found:
        bring_shop(cast, connect_shop(cast, found.url))
        allow_shop(cast)
        yield found


@pytest.fixture
def connection(cast):
    return connect_shop(cast)


def again(cast, connection, text):
    return read_document(actor=cast.actor("ken"), connection=connection, text=text)


def tool(name):
    return Tool.objects.select_related("workspace").get(name=name)


def test_a_read_asks_the_connections_address_and_shows_what_policy_lists(cast, shop):
    told = ask(cast, opened(cast), READ, {"orderId": "o 1", "expand": True})
    assert told["state"] == "succeeded" and told["result"]["record"] == {"id": "o 1", "note": "as it was"}
    assert {(method, path) for method, path, _, _ in shop.asked} == {("GET", "/orders/o%201?expand=true")}


def test_a_write_sends_exactly_the_approved_body_once_with_the_connections_sign_in(cast, shop):
    told = ask(cast, opened(cast), CHANGE, {"orderId": "o 1", "body": {"note": "call back"}})
    assert told["state"] == "succeeded" and shop.orders["o 1"]["note"] == "call back"
    ((method, path, body, headers),) = shop.asked
    assert (method, path, body) == ("PATCH", "/orders/o%201", {"note": "call back"})
    assert headers["authorization"] == "Bearer a-standing-secret" and headers["content-type"] == "application/json"
    assert headers["x-action-id"] == Action.objects.get().pk


def test_an_answer_without_a_body_is_done_where_the_document_says_so(cast, shop):
    told = ask(cast, opened(cast), REMOVE, {"orderId": "o 1", "reason": "sent/twice"})
    assert told["state"] == "succeeded" and told["result"]["record"] == {}
    assert [asked[:3] for asked in shop.asked] == [("DELETE", "/orders/o%201?reason=sent%2Ftwice", None)]


def test_a_field_that_policy_does_not_list_is_not_sent(cast, shop):
    told = ask(cast, opened(cast), CHANGE, {"orderId": "o 1", "body": {"count": 3}})
    assert told["decision"]["effect"] == "deny" and shop.asked == []


def test_an_imported_tool_is_off_until_a_policy_names_it(cast, connection):
    bring_shop(cast, connection)
    assert ask(cast, opened(cast), READ, {"orderId": "1"})["decision"]["effect"] == "deny"


def test_reading_makes_no_tool_and_every_act_stands_in_the_ledger(cast, connection):
    listing = again(cast, connection, TEXT)
    assert not Tool.objects.filter(connection=connection).exists() and listing.source["title"] == "Shop"
    bring_shop(cast, connection, choices={GET_KEY: CHOICES[GET_KEY]})
    told = [
        one.record for one in Entry.objects.filter(type__in=["connection.listed", "connection.imported"]).order_by("pk")
    ]
    assert [one["type"] for one in told] == ["connection.listed", "connection.listed", "connection.imported"]
    assert {one["actor"]["name"] for one in told} == {"Ken Abe"}
    assert told[0]["body"]["document"] == listing.source and listing.source["digest"].startswith("sha256:")
    assert told[2]["body"]["tools"] == [{"name": READ, "effect_class": "read", "reversibility": "reversible"}]
    assert told[2]["body"]["listing"] == listing.digest


def test_a_changed_description_blocks_its_tool_and_shows_the_difference(cast, shop):
    connection = tool(READ).connection
    other = TEXT.replace("maxLength: 200", "maxLength: 20").replace("Change an order", "Change any order")
    listing = again(cast, connection, other)
    assert blocked_names(cast.northwind) == {READ, CHANGE} and len(listing.moved) == 2
    told = ask(cast, opened(cast), CHANGE, {"orderId": "o 1", "body": {"note": "x"}})
    assert told["decision"]["effect"] == "deny" and shop.asked == []
    waits = ToolVersion.objects.get(tool=tool(CHANGE), state="waiting")
    lines = {one.path: (one.old, one.new) for one in difference(tool(CHANGE).definition, waits.definition)}
    assert lines["input_schema.properties.body.properties.note.maxLength"] == ("200", "20")
    assert lines["title"] == ("Change an order", "Change any order")
    assert "operation.openapi.source.operation.summary" in lines and "operation.openapi.refs" in lines
    decide(
        actor=cast.actor("ken"), user=cast.user("ken"), workspace=cast.northwind, name=CHANGE, digest=waits.digest,
        approve=True, reason="The shop shortened its notes.",
    )  # fmt: skip
    assert ask(cast, opened(cast), CHANGE, {"orderId": "o 1", "body": {"note": "x"}})["state"] == "succeeded"
    assert again(cast, connection, other).moved == [said for said in listing.moved if READ in said]


def test_a_change_in_an_answer_alone_blocks_too(cast, connection):
    bring_shop(cast, connection)
    again(cast, connection, TEXT.replace("description: One", "description: One of them"))
    assert blocked_names(cast.northwind) == {READ, CHANGE}


def test_reading_the_same_document_again_blocks_nothing_and_lets_nothing_go(cast, connection):
    bring_shop(cast, connection)
    assert again(cast, connection, TEXT).moved == [] and not blocked_names(cast.northwind)
    again(cast, connection, TEXT.replace("Read an order", "Read orders"))
    again(cast, connection, TEXT)
    assert blocked_names(cast.northwind) == {READ}, "an admin decides, not whoever reads an old document"


def test_what_a_document_describes_no_more_or_unusably_is_told(cast, connection):
    bring_shop(cast, connection)
    listing = again(
        cast, connection, TEXT.replace("    delete:", "    head:").replace("name: expand", "name: expand, content: {}")
    )
    assert any(said.startswith(f"The document does not describe {DELETE_KEY}") for said in listing.moved)
    assert blocked_names(cast.northwind) == {READ}
    with pytest.raises(ImportRefused, match="connection does not send HEAD"):
        import_tools(
            actor=cast.actor("ken"), connection=connection, digest=listing.digest,
            choices={"HEAD /orders/{OrderId}": Choice("read", "reversible")},
        )  # fmt: skip


def test_what_an_admin_said_otherwise_waits(cast, connection):
    bring_shop(cast, connection)
    bring_shop(cast, connection, choices={PATCH_KEY: Choice("side_effect", "irreversible")})
    assert blocked_names(cast.northwind) == {CHANGE}


def test_what_remit_cannot_read_it_does_not_promise_to_restore(cast, connection):
    with pytest.raises(ImportRefused, match="can't restore what it can't read"):
        bring_shop(cast, connection, choices={PATCH_KEY: Choice("write", "reversible")})


def test_a_tool_loaded_by_hand_is_not_touched_by_a_document(cast, connection):
    again(cast, connection, TEXT)
    assert not ToolVersion.objects.filter(tool__connection=connection).exists()


def test_the_page_takes_a_file_or_a_text_and_says_what_is_wrong(cast, connection):
    ken, path = browser(cast, "ken"), "/connections/shop/tools/"
    assert "Read an OpenAPI document" in ken.get(path).content.decode()
    assert ken.post(path + "read/", {"file": SimpleUploadedFile("shop.yaml", TEXT.encode())}).status_code == 302
    page = ken.get(path).content.decode()
    assert (
        "none is followed" in page
        and 'http://<b class="host">169.254.169.254</b>/latest' in page
        and Listing.objects.get().source["digest"] in page
    )
    assert "A connection sends JSON" in page and page.count('<option value="read"') == 1
    wrong = ken.post(path + "read/", {"document": TEXT + "openapi: 3.0.3\n"})
    assert wrong.status_code == 422 and "openapi stands twice" in wrong.content.decode()
    assert "info: {title: Shop, version: &quot;1&quot;}" in wrong.content.decode(), "what was pasted is kept"
    for sent, told in (
        (b"\xff", "Byte 0 is not UTF-8"),
        (b"a" * (MAX_DOCUMENT + 1), "more than 1024 KiB"),
        (b"", "empty"),
    ):
        answer = ken.post(path + "read/", {"file": SimpleUploadedFile("x", sent)})
        assert answer.status_code == 422 and told in answer.content.decode()
    answer = ken.post(
        path + "import/", {"digest": "x", "t0-pick": "on", "t0-effect_class": "read", "t0-reversibility": "reversible"}
    )
    assert (
        answer.status_code == 302
        and answer["Location"].startswith("/me/step-up/")
        and not Tool.objects.filter(name=READ)
    )


@pytest.mark.parametrize("first", ["dana", "maya", "priya"])
def test_only_a_policy_admin_reads_a_document(cast, connection, first):
    answer = browser(cast, first).post("/connections/shop/tools/read/", {"document": TEXT})
    assert answer.status_code in {403, 404} and not Listing.objects.exists()


def test_the_command_reads_imports_and_ends_with_3_for_drift(cast, connection, tmp_path, capsys):
    document, choices = tmp_path / "shop.yaml", tmp_path / "choices.yaml"
    document.write_text(TEXT)
    choices.write_text(json.dumps({GET_KEY: {"effect_class": "read", "reversibility": "reversible"}}))
    call_command("remit_import", "list", "shop", workspace="northwind", document=document)
    out = capsys.readouterr().out
    assert f"{GET_KEY}  can be imported as {READ}" in out and "POST /photos  Its body is multipart" in out
    call_command("remit_import", "load", "shop", workspace="northwind", choices=choices)
    assert f"{READ}  in force" in capsys.readouterr().out
    document.write_text(TEXT.replace("Read an order", "Read orders"))
    with pytest.raises(CommandError, match=f"{READ} is blocked") as said:
        call_command("remit_import", "list", "shop", workspace="northwind", document=document)
    assert said.value.returncode == 3
    document.write_bytes(b"\xff")
    with pytest.raises(CommandError, match="Byte 0 is not UTF-8"):
        call_command("remit_import", "list", "shop", workspace="northwind", document=document)
    with pytest.raises(CommandError, match="OpenAPI document"):
        call_command("remit_import", "list", "shop", workspace="northwind")
