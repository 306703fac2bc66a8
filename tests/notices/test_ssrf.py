"""T13: several hundred addresses x every way a URL of somebody else's is asked. The sink on loopback hears nothing (R-32)."""

import os
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client

from accounts.egress import Egress, EgressRefused, client
from actions.connectors.base import ConnectionInfo, Credential, ReadFailed
from actions.connectors.records.connector import RecordsConnector
from tests.notices.addresses import corpus
from tests.notices.conftest import channel, round_
from tests.notices.sinks import http_sink
from traces.canonical import instant
from traces.checkpoints.witness import Webhook, WitnessFailed
from traces.notices.message import Item, Message, NotDelivered, Undeliverable
from traces.notices.models import AllowedHost, Channel, Delivery
from traces.notices.reach import deliver, sealed
from traces.notices.services import NoticeRefused, Wanted, make_test, save_channel

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("REMIT_SSRF") == "full"
OPEN = {"hooks.slack.com": "1.1.1.1"}
# What needs no name server: numbers in any spelling, and this machine.
LITERAL = re.compile(r"(?i)[0-9a-fx.:%]*(lo)?|localhost\.?")
real = socket.getaddrinfo


def resolve(host, port, *args, **how):
    """The system's resolver, but for names of the open internet, which tests have no way to ask."""
    if host in OPEN:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (OPEN[host], port))]
    if LITERAL.fullmatch(host):
        return real(host, port, *args, **how)
    raise socket.gaierror(f"{host} is nobody here.")


@pytest.fixture
def listener(monkeypatch):
    """A sink that nothing may reach, with the names above."""
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with http_sink() as sink:
        yield sink
        assert sink.connections == 0 and sink.got == []


@pytest.fixture
def everything_listed(cast, listener):
    """The worst list an owner could keep: every host of the corpus stands on it, so only the addresses are left to refuse."""
    hosts = {"127.0.0.1", "localhost"}
    for url in corpus(listener.port):
        try:
            host = urlsplit(url).hostname
        except ValueError:
            continue
        if host and "\x00" not in host and len(host) <= 253:
            hosts |= {host, host.rstrip(".")}
    now = cast.northwind.traces.first().created_at
    AllowedHost.objects.bulk_create(AllowedHost(workspace=cast.northwind, host=host, added_at=now) for host in hosts)


def made(cast, url: str, kind: str = "webhook") -> Channel:
    """A channel that already points there, as one might that was saved before its name moved."""
    now = cast.northwind.traces.first().created_at
    return Channel.objects.create(
        workspace=cast.northwind, kind=kind, name="x", sealed=made_sealed(url), events=["pause.set"], created_at=now
    )


def made_sealed(url: str) -> str:
    secret = {"key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "until": None}
    return sealed({"url": url, "key": "k", "secrets": [secret]})


def test_the_corpus_is_large_and_refused_before_a_client_exists(cast, listener, everything_listed):
    urls = corpus(listener.port)
    assert len(urls) >= 450 and len(set(urls)) == len(urls)
    listed = frozenset(AllowedHost.objects.values_list("host", flat=True))
    taken = [
        url for url in urls if not refused(lambda url=url: Egress(ports=(443,), hosts=listed).client(url, timeout_s=1))
    ]
    assert taken == []


def refused(act) -> bool:
    try:
        act()
    except EgressRefused:
        return True
    return False


@pytest.mark.parametrize("kind", ["webhook", "slack", "teams", "pagerduty"])
def test_saving_a_channel(cast, listener, everything_listed, kind):
    def save(url):
        wanted = Wanted(kind=kind, name="x", events=("pause.set",), url=url, key="k")
        save_channel(actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, wanted=wanted)

    for url in corpus(listener.port)[:: 1 if FULL else 3 if kind == "webhook" else 11]:
        with pytest.raises(NoticeRefused) as said:
            save(url)
        assert said.value.field == "secret_url", url
    assert not Channel.objects.exists()


def test_delivery_and_the_test_button_refuse_the_same(cast, listener, everything_listed):
    """Each channel points at one address; the button's message and an event's meet the same end with the same words."""
    browser = Client()
    browser.force_login(cast.user("dana"), backend="django.contrib.auth.backends.ModelBackend")
    for url in corpus(listener.port)[:: 1 if FULL else 29]:
        found = made(cast, url)
        browser.post(f"/notices/{found.pk}/test/")
        button = Delivery.objects.get(channel=found)
        event = make_test(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=found.pk)
        round_()
        event.refresh_from_db()
        assert button.last_error == event.last_error != "" and button.state == event.state, url
        assert button.state in {"failed", "queued"} and (button.state == "failed" or "resolve" in button.last_error), (
            url
        )


def test_delivery_of_every_address(cast, listener, everything_listed):
    """The one function that every message goes out by."""
    found = made(cast, "https://hooks.slack.com/x")
    message = Message(
        "msg_x", "Northwind", (Item("test", "x", (), "http://x/", found.created_at, None, {}),), False, "http://x/"
    )
    for url in corpus(listener.port):
        found.sealed = made_sealed(url)
        with pytest.raises(NotDelivered) as said:
            deliver(found, message, instant(found.created_at))
        assert isinstance(said.value, Undeliverable) or str(said.value).endswith("does not resolve."), url


def test_connections_and_witnesses(listener):
    """Systems of record may listen on any port, so a port of a public host is theirs to choose."""
    for url in [url for url in corpus(listener.port) if not url.startswith("https://hooks.slack.com:")]:
        assert refused(lambda url=url: client(url, allow_private=False, timeout_s=1)), url
        info = ConnectionInfo("x", "records", url, "id", "secret", False)
        with pytest.raises(ReadFailed):
            RecordsConnector().read(info, "/a/1", Credential("t", "s", ("a:b",), None, 60), timeout_s=1)
        with pytest.raises(WitnessFailed):
            Webhook(url, allow_private=False).tell("origin", ["note"])


def test_a_host_that_is_not_listed_is_refused_before_it_is_looked_up(cast, listener, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: asked.append(host))
    with pytest.raises(NoticeRefused, match=r"hooks\.example\.com is not on the egress list"):
        wanted = Wanted(kind="webhook", name="x", events=("pause.set",), url="https://hooks.example.com/a")
        save_channel(actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, wanted=wanted)
    assert asked == []


def test_a_name_that_moves_to_a_private_address_after_saving_is_refused_at_delivery(cast, listener, monkeypatch):
    wanted = Wanted(kind="slack", name="x", events=("pause.set",), url="https://hooks.slack.com/services/x")
    found, _ = save_channel(actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, wanted=wanted)
    monkeypatch.setitem(OPEN, "hooks.slack.com", "127.0.0.1")
    make_test(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=found.pk)
    (sent,) = round_()
    assert (sent.state, sent.last_error) == (
        "failed",
        "hooks.slack.com resolves to 127.0.0.1, which is not a public address.",
    )


def test_a_redirect_is_an_answer_and_is_not_followed(cast, loopback):
    with http_sink() as inner, http_sink(status=302, location=f"http://127.0.0.1:{inner.port}/") as outer:
        found, _ = channel(cast, outer)
        make_test(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=found.pk)
        (sent,) = round_()
        assert sent.last_error == "127.0.0.1 answered 302." and len(outer.got) == 1 and inner.connections == 0


def test_a_removed_host_is_not_reached_any_more(cast, sink):
    found, _ = channel(cast, sink)
    AllowedHost.objects.all().delete()
    make_test(actor=cast.actor("dana"), user=cast.user("dana"), channel_id=found.pk)
    (sent,) = round_()
    assert (sent.state, sent.last_error) == ("failed", "127.0.0.1 is not on the egress list.") and sink.connections == 0


@pytest.mark.parametrize(
    ("egress", "url"),
    [
        (Egress(), "https://hooks.slack.com/services/T0/B0/x"),
        (Egress(ports=(443,), hosts=("hooks.slack.com",)), "https://hooks.slack.com/services/x?y=1"),
        (Egress(ports=(443, 8443), hosts=("*.slack.com",)), "https://hooks.slack.com:8443/"),
        (Egress(hosts=("hooks.slack.com",)), "https://HOOKS.slack.com/"),
        (Egress(allow_private=True), "http://127.0.0.1:8080/"),
    ],
)
def test_controls_pass(monkeypatch, egress, url):
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with egress.client(url, timeout_s=1) as opened:
        assert isinstance(opened, httpx.Client)


def test_a_wildcard_is_every_name_below_and_not_the_name_itself():
    egress = Egress(hosts=("*.example.com",))
    assert egress.check("https://a.b.example.com/") == ("a.b.example.com", 443)
    for host in ("example.com", "badexample.com", "a.example.com.evil.com"):
        assert refused(lambda host=host: egress.check(f"https://{host}/"))


def test_outgoing_http_has_one_home():
    """Identity providers alone are asked by a client of their own: the operator names them in the environment."""
    opens = re.compile(
        r"httpx\.(Client|AsyncClient|get|post|request)\b|urlopen|\brequests\.(get|post|request|Session)|http\.client"
    )
    roots = ("accounts", "actions", "approvals", "gateway", "policies", "traces", "console")
    users = {
        str(p.relative_to(ROOT)) for root in roots for p in (ROOT / root).rglob("*.py") if opens.search(p.read_text())
    }
    assert {name for name in users if not name.startswith("console/runtime/")} == {
        "accounts/egress/rules.py", "accounts/oidc/provider.py", "actions/connectors/records/connector.py",
    }  # fmt: skip
    connector = (ROOT / "actions/connectors/records/connector.py").read_text()
    assert "httpx.Client(" not in connector
