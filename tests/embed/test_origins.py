"""Which pages may frame what a link opens: those of the listed origins, said in each answer's own policy (V3.4.6)."""

import pytest
from django.test import Client

from tests.builders import opened
from traces.embed.access import token_of
from traces.embed.models import FrameOrigin, ShownLink
from traces.embed.services import LinkRefused, allow_origin, issue_link, plain_origin, revoke_link
from traces.models import Entry

BACKEND = "django.contrib.auth.backends.ModelBackend"
SHOP = "https://app.example.com"


@pytest.fixture
def link(cast) -> ShownLink:
    return issue_link(actor=cast.agent_actor, trace=opened(cast), person=cast.user("maya"), expires_in_s=600)


def allowed(cast, origin=SHOP):
    dana = cast.user("dana")
    return allow_origin(actor=cast.actor("dana"), user=dana, workspace=cast.northwind, origin=origin)


def ancestors(answer) -> str:
    return next(part for part in answer["Content-Security-Policy"].split("; ") if part.startswith("frame-ancestors"))


def test_nobody_frames_it_until_an_owner_lists_them(cast, link):
    path = f"/show/{token_of(link)}/"
    closed = Client().get(path)
    assert ancestors(closed) == "frame-ancestors 'none'" and closed["X-Frame-Options"] == "DENY"
    allowed(cast)
    framed = Client().get(path)
    assert ancestors(framed) == f"frame-ancestors {SHOP}" and "X-Frame-Options" not in framed
    assert framed["Cache-Control"] == "no-store"
    assert framed["X-Robots-Tag"] == "noindex"


def test_another_workspaces_list_opens_nothing_here(cast, link):
    FrameOrigin.objects.create(workspace=cast.lakeside, origin=SHOP, added_at=link.issued_at)
    assert ancestors(Client().get(f"/show/{token_of(link)}/")) == "frame-ancestors 'none'"


def test_what_was_once_ours_says_so_in_its_frame_and_what_never_was_does_not(cast, link):
    allowed(cast)
    revoke_link(actor=cast.actor("dana"), link=link)
    ended, forged = Client().get(f"/show/{token_of(link)}/"), Client().get("/show/x/")
    assert ancestors(ended) == f"frame-ancestors {SHOP}" and ancestors(forged) == "frame-ancestors 'none'"
    assert ended.content == forged.content and ended.status_code == forged.status_code == 404


def test_the_console_itself_is_framed_by_nobody(cast, link):
    allowed(cast)
    client = Client()
    client.force_login(cast.user("dana"), backend=BACKEND)
    for path in ("/", "/embedding/", f"/traces/{link.trace_id}/"):
        assert ancestors(client.get(path)) == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://app.example.com", SHOP),
        (" HTTPS://App.Example.com/ ", SHOP),
        ("https://app.example.com:443", SHOP),
        ("https://app.example.com:8443", f"{SHOP}:8443"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_origins_are_kept_in_one_form(given, kept):
    assert plain_origin(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "", "*", "https:", "https://", "https://*.example.com", "http://app.example.com", "app.example.com", "//app.example.com",
        "https://app.example.com/path", "https://app.example.com?x", "https://app.example.com#x", "https://u@app.example.com",
        "https://app.example.com; script-src *", "https://app.example.com 'unsafe-inline'", "https://app.example.com:x",
        "https://app.example.com:99999", "https://app.example.com,https://b.example", "javascript:alert(1)", "data:text/html,x",
        "https://аpp.example.com", "https://[::1]", "https://app..example.com", "null", "https://a\nb.example",
    ],
)  # fmt: skip
def test_nothing_else_enters_the_policy(given):
    with pytest.raises(LinkRefused):
        plain_origin(given)


def test_owners_list_and_remove_and_both_stand_in_the_ledger(cast, link):
    client = Client()
    client.force_login(cast.user("dana"), backend=BACKEND)
    assert client.post("/embedding/", {"address": "http://app.example.com"}).status_code == 422
    assert client.post("/embedding/", {"address": SHOP}).status_code == 302
    page = client.get("/embedding/").content.decode()
    assert SHOP in page and "for Maya Chen" in page
    assert client.post(f"/embedding/origins/{FrameOrigin.objects.get().pk}/remove/").status_code == 302
    assert client.post(f"/embedding/links/{link.pk}/revoke/").status_code == 302
    chain = Entry.objects.filter(trace__kind="governance", type__startswith="frame_origin").order_by("seq")
    assert [one.type for one in chain] == ["frame_origin.allowed", "frame_origin.removed"]
    assert chain[0].record["body"]["origin_url"] == SHOP and chain[0].record["actor"]["name"].startswith("Dana")
    assert Entry.objects.filter(trace=link.trace, type="trace.link_revoked").exists()
    assert Client().get(f"/show/{token_of(link)}/").status_code == 404


def test_only_owners_change_it(cast, link):
    client = Client()
    client.force_login(cast.user("ken"), backend=BACKEND)
    page = client.get("/embedding/")
    assert page.status_code == 200 and b"Add an origin" not in page.content and b"Revoke" not in page.content
    assert client.post("/embedding/", {"address": SHOP}).status_code == 403
    assert client.post(f"/embedding/links/{link.pk}/revoke/").status_code == 403
