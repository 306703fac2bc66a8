"""Making a connection in the browser: by kind, tried at once, its secret sealed, each mistake at its field (A-05, P8, R-32)."""

import json
import sys

import pytest

from actions.connections import BadConnection, connect, save_connection
from actions.models import Connection, Tool
from actions.sealing import unseal
from tests.actions.test_agent_pages import browser
from tests.upstreams.server import upstream
from tests.upstreams.shop import TEXT, running_shop
from tests.upstreams.test_programs import PROGRAM
from traces.models import Entry

HTTP = {
    "name": "The shop", "slug": "shop", "base_url": "https://shop.example", "auth": "static",
    "client_secret": "s3cret-of-the-shop",
    "header": "Authorization", "word": "Bearer", "token_path": "/oauth/token",
}  # fmt: skip


@pytest.fixture
def dana(cast):
    return browser(cast, "dana", proven=True)


@pytest.fixture
def ken(cast):
    return browser(cast, "ken", proven=True)


@pytest.fixture
def server():
    with upstream() as found:
        yield found


def made(slug="shop"):
    return Connection.objects.filter(slug=slug).first()


def test_the_page_offers_every_kind(cast, dana):
    page = dana.get("/connections/new/").content.decode()
    assert "Add a connection…" in dana.get("/connections/").content.decode()
    for kind in ("http", "mcp", "program", "records", "agent"):
        assert f'href="/connections/new/{kind}/"' in page
        assert dana.get(f"/connections/new/{kind}/").status_code == 200
    assert dana.get("/connections/new/ftp/").status_code == 404


def test_an_mcp_server_is_made_tried_and_its_tools_imported_without_a_command(cast, ken, server, settings):
    settings.REMIT_CONNECTIONS_PRIVATE = True
    sent = {**HTTP, "slug": "notes", "base_url": server.url, "auth": "none", "client_secret": "", "allow_private": "on"}
    answer = ken.post("/connections/new/mcp/", sent)
    assert answer["Location"] == "/connections/notes/tools/"
    found = made("notes")
    assert (found.kind, found.allow_private, found.options) == ("mcp", True, {"auth": {"kind": "none"}})
    assert found.check_ok and found.check_detail.startswith("It lists 2 tools.")
    assert "is made. It lists 2 tools." in ken.get(answer["Location"]).content.decode()
    ken.post("/connections/notes/tools/read/")
    digest = found.listing.digest
    sent = {"digest": digest, "t0-pick": "on", "t0-effect_class": "read", "t0-reversibility": "reversible"}
    assert ken.post("/connections/notes/tools/import/", sent)["Location"] == "/connections/notes/"
    assert Tool.objects.get(connection=found).name == "notes.echo"


def test_an_openapi_system_is_made_and_its_document_read(cast, ken, settings):
    settings.REMIT_CONNECTIONS_PRIVATE = True
    with running_shop() as shop:
        ken.post("/connections/new/http/", {**HTTP, "base_url": shop.url, "allow_private": "on"})
        asked = shop.asked[0]
    assert asked[0] == "GET" and asked[3]["authorization"] == "Bearer s3cret-of-the-shop", "tried with its secret"
    assert made().check_ok
    ken.post("/connections/shop/tools/read/", {"document": TEXT})
    assert made().listing.source["title"] == "Shop"


def test_the_secret_is_sealed_and_stands_on_no_page_and_in_no_entry(cast, dana):
    answer = dana.post("/connections/new/records/", {**HTTP, "client_id": "remit"})
    assert answer.status_code == 302 and unseal(made().sealed_secret) == HTTP["client_secret"]
    saved = Entry.objects.get(type="connection.saved", canonical__contains="shop.example").record
    assert saved["actor"]["name"] == "Dana Ortiz" and saved["body"]["slug"] == "shop"
    told = "".join(Entry.objects.values_list("canonical", flat=True))
    pages = "".join(dana.get(path).content.decode() for path in ("/connections/", "/connections/shop/", "/audit/"))
    assert HTTP["client_secret"] not in told + pages + answer.content.decode()
    assert "shows with its first tool" in pages


def test_a_connection_pointed_elsewhere_stands_with_old_and_new_and_no_secret(cast, dana):
    dana.post("/connections/new/records/", {**HTTP, "client_id": "remit"})
    assert "was" not in Entry.objects.filter(type="connection.saved").latest("pk").record["body"], (
        "a new one was nothing"
    )
    save_connection(
        actor=cast.actor("dana"), workspace=cast.northwind, slug="shop", name=made().name, kind="records",
        base_url="https://other.example", client_id="remit", client_secret="another-secret", link_url=made().link_url,
        options=made().options,
    )  # fmt: skip
    body = Entry.objects.filter(type="connection.saved").latest("pk").record["body"]
    assert (body["was"], body["now"]) == ({"base_url": HTTP["base_url"]}, {"base_url": "https://other.example"})
    assert body["secret_replaced"] is True and "another-secret" not in str(body)
    line = dana.get("/audit/?did=connection").content.decode()
    assert "<del>" in line and ">other.example</b>" in line and ">shop.example</b>" in line


def test_a_wrong_form_does_not_give_the_secret_back(cast, dana):
    page = dana.post("/connections/new/http/", {**HTTP, "slug": "No!"}).content.decode()
    assert HTTP["client_secret"] not in page and "https://shop.example" in page, "what is no secret stays"


@pytest.mark.parametrize(
    ("kind", "wrong", "field", "said"),
    [
        ("http", {"name": ""}, "name", "required"),
        ("http", {"slug": "Shop 1"}, "slug", "small letters"),
        ("http", {"slug": "new"}, "slug", "taken by the page"),
        ("http", {"slug": "desk"}, "slug", "There is a connection desk already"),
        ("http", {"base_url": "shop.example"}, "base_url", "no http or https host"),
        ("http", {"base_url": "http://shop.example"}, "base_url", "Use https"),
        ("http", {"base_url": "https://u:p@shop.example"}, "base_url", "address"),
        ("http", {"base_url": "https://shop.example?key=1"}, "base_url", "Store the secret as a secret"),
        ("http", {"link_url": "javascript:alert(1)"}, "link_url", "address"),
        ("http", {"client_secret": ""}, "client_secret", "Give the secret"),
        ("http", {"header": "If-Match"}, "header", "not for a secret"),
        ("http", {"header": "X Y"}, "header", "letters, digits and hyphens"),
        ("mcp", {"auth": "client_credentials"}, "client_id", "client id"),
        ("mcp", {"auth": "client_credentials", "client_id": "a", "token_path": "https://x"}, "token_path", "a path"),
        ("mcp", {"auth": "basic"}, "auth", "valid choice"),
        ("records", {"client_id": ""}, "client_id", "required"),
        ("program", {"command": "sh"}, "command", "valid choice"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_makes_nothing(cast, dana, settings, kind, wrong, field, said):
    settings.REMIT_MCP_COMMANDS = json.dumps({"files": {"argv": ["/bin/true"], "workspaces": ["northwind"]}})
    before = Connection.objects.count()
    answer = dana.post(f"/connections/new/{kind}/", {**HTTP, **wrong})
    form = answer.context["form"]
    assert answer.status_code == 422 and Connection.objects.count() == before
    assert set(form.errors) == {field} and said in " ".join(form.errors[field])
    assert f'href="#id_{field}"' in answer.content.decode(), "the summary leads to the field"


def test_a_private_address_is_not_reached_from_the_browser_unless_an_operator_says_so(cast, dana, server):
    sent = {**HTTP, "base_url": server.url, "auth": "none", "allow_private": "on"}
    assert "allow_private" not in dana.get("/connections/new/mcp/").content.decode()
    answer = dana.post("/connections/new/mcp/", sent)
    assert answer.status_code == 422 and "base_url" in answer.context["form"].errors
    sent["base_url"] = "https://127.0.0.1:1/mcp"
    assert dana.post("/connections/new/mcp/", sent).status_code == 302
    assert not made().allow_private and made().check_ok is False and server.requests == []
    made_, health = connect(
        actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, kind="mcp", slug="second",
        options={"auth": {"kind": "none"}}, said={"name": "N", "base_url": "https://127.0.0.1:1/", "allow_private": True},
    )  # fmt: skip
    assert not made_.allow_private and not health.ok, "the service holds it, not the form"


def test_only_a_program_that_is_allowed_to_this_workspace_can_be_chosen(cast, dana, settings):
    assert "No program is allowed to this workspace" in dana.get("/connections/new/program/").content.decode()
    entry = {"argv": [sys.executable, PROGRAM], "workspaces": ["northwind"]}
    other = {"argv": ["/bin/false"], "workspaces": ["lakeside"]}
    settings.REMIT_MCP_COMMANDS = json.dumps({"files": entry, "theirs": other})
    page = dana.get("/connections/new/program/").content.decode()
    assert '<option value="files">' in page and "theirs" not in page
    dana.post("/connections/new/program/", {"name": "Files", "slug": "files", "command": "files"})
    assert made("files").options["command"] == "files" and made("files").check_detail.startswith("It lists 1 tools.")
    settings.REMIT_MCP_COMMANDS = "{"
    assert "not JSON" in dana.get("/connections/new/program/").content.decode()


def test_it_takes_a_fresh_proof(cast):
    dana = browser(cast, "dana")
    assert "Do it first" in dana.get("/connections/new/records/").content.decode()
    answer = dana.post("/connections/new/records/", {**HTTP, "client_id": "remit"})
    assert answer["Location"] == "/me/step-up/?next=%2Fconnections%2Fnew%2Frecords%2F" and made() is None
    assert HTTP["client_secret"] not in str(dict(dana.session))


@pytest.mark.parametrize("first", ["priya", "ava", "maya", "tomas"])
def test_others_make_none(cast, first):
    answer = browser(cast, first, proven=True).post("/connections/new/records/", {**HTTP, "client_id": "remit"})
    assert answer.status_code == 403 and made() is None
    assert "Add a connection" not in browser(cast, first).get("/connections/").content.decode()


def test_one_that_is_there_is_left_as_it_is(cast):
    was = Connection.objects.get(slug="desk", workspace=cast.northwind)
    with pytest.raises(BadConnection, match="already"):
        connect(
            actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, kind="agent", slug="desk",
            options={}, said={"name": "Mine"},
        )  # fmt: skip
    now = Connection.objects.get(pk=was.pk)
    assert (now.kind, now.name, now.system) == (was.kind, was.name, was.system)
