"""The pages of notices: who may do what, what stands in the ledger, what is never shown (P7, R-25, R-33)."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.notices.conftest import channel
from traces.models import Entry
from traces.notices.models import AllowedHost, Channel, Delivery
from traces.notices.people import personal_channel
from traces.notices.reach import opened

BACKEND = "django.contrib.auth.backends.ModelBackend"
HOURS = {"digest_min": "0", "urgent_through": "on"}


@pytest.fixture
def as_(cast):
    def sign_in(first: str) -> Client:
        found = Client()
        found.force_login(cast.user(first), backend=BACKEND)
        return found

    return sign_in


def verbs() -> list[str]:
    """What people did to channels and hosts, as the governance chain has it."""
    kinds = ("channel.", "delivery.", "egress.")
    return [entry.type for entry in Entry.objects.order_by("pk") if entry.type.startswith(kinds)]


def sent(client: Client, sink, **changed):
    data = {"name": "Ops", "secret_url": sink.url, "events": ["pause.set", "breaker.tripped"], **HOURS, **changed}
    return client.post("/notices/new/webhook/", data)


def test_an_owner_lists_a_host_adds_a_webhook_and_sees_its_secret_once(cast, sink, as_):
    dana = as_("dana")
    refused = sent(dana, sink)
    assert refused.status_code == 422 and "is not on the egress list" in refused.content.decode()
    assert sink.url not in refused.content.decode().replace(f'value="{sink.url}"', ""), "only where it was typed"
    dana.post("/notices/hosts/", {"host": "127.0.0.1"})
    shown = sent(dana, sink)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]{44}", shown.content.decode())[0]
    assert "no-store" in shown["Cache-Control"]
    made = Channel.objects.get(name="Ops")
    assert opened(made)["secrets"][0]["key"] == secret and made.shown == "127.0.0.1"
    pages = [dana.get(path).content.decode() for path in ("/notices/", f"/notices/{made.pk}/", "/notices/log/")]
    assert not any(secret in page or sink.url in page or "s3cret-path" in page for page in pages)
    assert verbs() == ["egress.allowed", "channel.saved"]
    entry = Entry.objects.get(type="channel.saved").record
    assert entry["actor"]["name"] == "Dana Ortiz" and entry["body"]["target"] == "127.0.0.1"


def test_a_changed_channel_stands_with_old_and_new(cast, sink, as_):
    made, _ = channel(cast, sink)
    data = {"name": made.name, "secret_url": "", "events": ["pause.set"], **HOURS}
    assert as_("dana").post(f"/notices/{made.pk}/", data).status_code in {200, 302}
    body = Entry.objects.filter(type="channel.saved").latest("pk").record["body"]
    assert body["was"]["events"] != body["now"]["events"] == ["pause.set"] and set(body["was"]) == set(body["now"])
    assert "name" not in body["was"], "what stayed is not set side by side"


def test_the_test_button_sends_a_signed_message_and_says_what_happened(cast, sink, as_):
    made, _ = channel(cast, sink)
    dana = as_("dana")
    assert "was taken by 127.0.0.1" in dana.post(f"/notices/{made.pk}/test/", follow=True).content.decode()
    assert sink.got[0].json["type"] == "test" and "webhook-signature" in sink.got[0].headers
    sink.status = 500
    assert "127.0.0.1 answered 500." in dana.post(f"/notices/{made.pk}/test/", follow=True).content.decode()
    assert (
        verbs()[-2:] == ["channel.tested", "channel.tested"]
        and "Test from Remit" in dana.get("/notices/log/").content.decode()
    )


def test_pause_resume_rotate_again_and_remove_are_ledgered(cast, sink, as_):
    made, old = channel(cast, sink)
    dana, before = as_("dana"), len(verbs())
    delivery = Delivery.objects.create(
        channel=made,
        next_at=made.created_at,
        created_at=made.created_at,
        state="failed",
        last_error="127.0.0.1 answered 500.",
    )
    log = dana.get("/notices/log/?state=failed").content.decode()
    assert "127.0.0.1 answered 500." in log and "Send again" in log
    for verb in ("pause", "resume", "rotate"):
        answer = dana.post(f"/notices/{made.pk}/{verb}/")
    assert old not in answer.content.decode() and re.search(r"whsec_[A-Za-z0-9+/=]{44}", answer.content.decode())
    dana.post(f"/notices/log/{delivery.pk}/again/")
    dana.post(f"/notices/{made.pk}/remove/")
    dana.post("/notices/hosts/127.0.0.1/remove/")
    assert verbs()[before:] == [
        "channel.paused", "channel.resumed", "channel.secret_rotated", "delivery.sent_again", "channel.removed", "egress.removed",
    ]  # fmt: skip
    assert dana.get(f"/notices/{made.pk}/").status_code == 404 and not AllowedHost.objects.exists()
    assert "127.0.0.1" not in dana.get("/notices/").content.decode(), "a removed channel is gone from the list"
    assert made.name in dana.get("/notices/log/").content.decode(), "its log stays"


def test_an_empty_url_keeps_the_stored_one_and_a_new_one_is_judged(cast, sink, as_):
    made, secret = channel(cast, sink)
    dana, data = as_("dana"), {"name": "Renamed", "events": ["pause.set"], **HOURS}
    assert dana.post(f"/notices/{made.pk}/", data).status_code == 302
    made.refresh_from_db()
    assert (made.name, opened(made)["url"], opened(made)["secrets"][0]["key"]) == ("Renamed", sink.url, secret)
    refused = dana.post(f"/notices/{made.pk}/", {**data, "secret_url": "https://elsewhere.example/x"})
    made.refresh_from_db()
    assert refused.status_code == 422 and opened(made)["url"] == sink.url


def test_what_is_shown_is_not_said_to_be_hidden(cast, sink, as_):
    made, _ = channel(cast, sink)
    dana, mail = as_("dana"), {"name": "On call", "to": "priya@northwind.example", "events": ["pause.set"], **HOURS}
    dana.post("/notices/new/email/", mail)
    shown = dana.get(f"/notices/{Channel.objects.get(name='On call').pk}/").content.decode()
    assert "priya@northwind.example" in shown and "not shown" not in shown
    assert "Stored sealed and not shown." in dana.get(f"/notices/{made.pk}/").content.decode()


@pytest.mark.parametrize("first", ["priya", "ava"])
def test_operators_and_auditors_see_and_change_nothing(cast, sink, as_, first):
    made, _ = channel(cast, sink)
    someone, before = as_(first), verbs()
    page = someone.get(f"/notices/{made.pk}/").content.decode()
    assert (
        "An owner of Northwind can change it" in page and 'name="secret_url"' not in page and "Send a test" not in page
    )
    for path in ("", "test/", "pause/", "rotate/", "remove/"):
        assert someone.post(f"/notices/{made.pk}/{path}", {"name": "x"}).status_code == 403, path
    assert someone.post("/notices/hosts/", {"host": "evil.example"}).status_code == 403
    assert verbs() == before and sink.got == []


def test_p7_another_workspace_sees_no_channel_message_or_host(cast, sink, as_):
    made, _ = channel(cast, sink, name="Northwind hook")
    as_("dana").post(f"/notices/{made.pk}/test/")
    omar = as_("omar")
    for path in ("/notices/", "/notices/log/", f"/notices/log/?channel={made.pk}", "/notices/hosts/"):
        page = omar.get(path).content.decode()
        assert (
            made.name not in page and made.pk not in page.replace(f"channel={made.pk}", "") and "127.0.0.1" not in page
        ), path
    assert omar.post("/notices/hosts/127.0.0.1/remove/").status_code == 404 and AllowedHost.objects.exists()


def test_nobody_sees_or_changes_what_another_person_is_told(cast, as_):
    mine = personal_channel(cast.user("priya"), cast.northwind)
    dana = as_("dana")
    assert dana.get(f"/notices/{mine.pk}/").status_code == 404 == dana.post(f"/notices/{mine.pk}/test/").status_code
    assert mine.pk not in dana.get("/notices/").content.decode()


def test_a_person_saves_quiet_hours_a_digest_and_opts_out(cast, as_):
    maya = as_("maya")
    data = {"told": "on", "events": ["approval.settled"], "digest_min": "60", "quiet_from": "22:00", "quiet_to": "07:00",
            "quiet_days": ["0", "4"]}  # fmt: skip
    assert maya.post("/me/notices/", data).status_code == 302
    saved = personal_channel(cast.user("maya"), cast.northwind)
    assert (saved.events, saved.digest_min, saved.quiet_days, str(saved.quiet_from)) == (
        ["approval.settled"],
        60,
        [0, 4],
        "22:00:00",
    )
    page = maya.get("/me/notices/").content.decode()
    assert 'value="22:00"' in page and "maya@northwind.example" in page
    assert maya.post("/me/notices/", {"digest_min": "0"}).status_code == 302
    assert personal_channel(cast.user("maya"), cast.northwind).state == "paused"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"quiet_from": "22:00"}, "Quiet hours have a beginning and an end."),
        ({"quiet_from": "22:00", "quiet_to": "07:00"}, "Choose the days"),
        ({"quiet_from": "03:00", "quiet_to": "03:00", "quiet_days": list("0123456")}, "leave no moment"),
        ({"quiet_from": "25:00", "quiet_to": "07:00"}, "Enter a valid time."),
        ({"digest_min": "7"}, "Select a valid choice."),
    ],
)
def test_hours_that_cannot_be_are_refused_beside_their_field(cast, as_, data, words):
    page = as_("maya").post("/me/notices/", {"told": "on", "digest_min": "0", **data})
    assert page.status_code == 422 and words in page.content.decode()


def test_mail_goes_to_members_and_listed_domains_only(cast, as_, post_office):
    dana = as_("dana")
    data = {"name": "Mail", "events": ["pause.set"], **HOURS}
    out = dana.post("/notices/new/email/", {**data, "to": "ava@northwind.example\nx@evil.example"})
    assert out.status_code == 422 and "x@evil.example is no member here" in out.content.decode()
    assert dana.post("/notices/new/email/", {**data, "to": "omar@lakeside.example"}).status_code == 422, (
        "another tenant"
    )
    dana.post("/notices/hosts/", {"host": "pager.example"})
    assert (
        dana.post("/notices/new/email/", {**data, "to": "ava@northwind.example, ops@pager.example"}).status_code == 302
    )
    made = Channel.objects.get(kind="email", person=None)
    dana.post(f"/notices/{made.pk}/test/")
    assert post_office.recipients == [["ava@northwind.example", "ops@pager.example"]] and made.shown == "2 recipients"
    assert "ava@northwind" not in Entry.objects.get(type="channel.saved").canonical, (
        "people stand beside the ledger (R-42)"
    )


@pytest.mark.parametrize(
    "host",
    ["", "*", "*.", "*.com", "-", "a.-b", "a b", "a/b", "a:443", "-", "https://a.example", "ex\u0430mple.com", "a..b"],
)
def test_what_is_no_host_is_not_listed(cast, as_, host):
    page = as_("dana").post("/notices/hosts/", {"host": host})
    assert page.status_code == 422 and not AllowedHost.objects.exists()


def test_lists_ask_the_database_as_often_for_many_as_for_one(cast, sink, as_):
    dana, asked = as_("dana"), []
    for number in range(3):
        made, _ = channel(cast, sink, name=f"Hook {number}")
        dana.post(f"/notices/{made.pk}/test/")
        for path in ("/notices/", "/notices/log/"):
            with CaptureQueriesContext(connection) as found:
                dana.get(path)
            asked.append((path, len(found)))
    assert len({count for path, count in asked if path == "/notices/log/"}) == 1, asked
    assert len({count for path, count in asked if path == "/notices/"}) == 1, asked


def test_an_unsent_form_with_a_secret_is_not_kept(cast, client, sink):
    client.post("/notices/new/slack/", {"name": "x", "secret_url": sink.url})
    assert "s3cret-path" not in str(dict(client.session))
