"""Where a connector may connect (R-32, T13)."""

import re
import socket

import pytest

from accounts.addresses import is_metadata, is_public
from accounts.egress import Egress, EgressRefused, client
from actions.connectors.base import Credential, ReadFailed
from actions.connectors.records.connector import RecordsConnector
from tests.connectors.raw import answer, raw_system
from tests.desk.running import ROOT

CREDENTIAL = Credential("tok_1", "secret", ("a:b",), None, 60)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0",
     "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "::7f00:1", "::ffff:0:7f00:1", "3fff::1", "fec0::1", "192.88.99.1", "192.0.0.192",
     "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::"],
)  # fmt: skip
def test_r32_no_form_of_a_private_address_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_r32_ordinary_addresses_are_public(address):
    assert is_public(address)


METADATA = [
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe%eth0",
    "::ffff:169.254.169.254", "::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
]  # fmt: skip


@pytest.mark.parametrize("address", METADATA)
def test_r32_no_setting_allows_a_machines_own_metadata(address, monkeypatch):
    """Private addresses may be allowed for a system on one's own network; no system of record answers there."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert is_metadata(address) and not is_public(address)
    with pytest.raises(EgressRefused, match="where machines are told their own credentials"):
        Egress(allow_private=True).pin("http://inside.example/latest/meta-data/")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "fd12:3456::1", "::1"])
def test_r32_an_allowed_private_address_is_reached(address, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert Egress(allow_private=True).pin("http://inside.example/") == address


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[64:ff9b::7f00:1]", "https://localhost",
     "https://0x7f000001", "https://2130706433", "https://127.1", "http://1.1.1.1", "ftp://1.1.1.1", "file:///etc/passwd",
     "https://", "https:///x", "https://user@1.1.1.1", "https://u:p@1.1.1.1", "https://1.1.1.1?x=1", "https://1.1.1.1#x",
     "https://1.1.1.1:99999", "https://[bad", "https://no-such-host.invalid", f"https://{'a' * 70}.example", ""],
)  # fmt: skip
def test_r32_refused_base_urls(url):
    with pytest.raises(EgressRefused):
        client(url, allow_private=False, timeout_s=1)


def test_r32_one_private_address_among_several_refuses_the_host(monkeypatch):
    """A name that resolves to a public and a private address; the resolver is the system's, not ours."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(EgressRefused, match=r"10\.0\.0\.1"):
        client("https://two-faced.example", allow_private=False, timeout_s=1)


def test_r32_the_checked_address_is_the_one_connected_to(monkeypatch):
    """A name that changes its address after the check: the connection still goes to the checked one, under its name."""
    with raw_system(answer(200, b"{}")) as system:
        found = [("127.0.0.1", system.port), ("127.0.0.9", 1), ("127.0.0.9", 1)]
        asked = []

        def resolve(host, *_, **__):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", found[min(len(asked), 3) - 1])]

        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *a, **k: resolve(host) if host == "moving.example" else real(host, *a, **k),
        )
        with client(f"http://moving.example:{system.port}", allow_private=True, timeout_s=3) as http:
            assert http.get("/x").status_code == 200
        assert asked == ["moving.example"]
        assert f"host: moving.example:{system.port}" in system.requests[0].decode().lower()


def test_v1524_proxies_of_the_environment_are_not_used(monkeypatch):
    with raw_system(answer(200, b'{"id": "proxy"}')) as proxy, raw_system(answer(200, b'{"id": "1"}')) as system:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        found = RecordsConnector().read(system.info, "/things/1", CREDENTIAL, timeout_s=5)
        assert found.record_id == "1" and proxy.requests == []


def test_an_untrusted_certificate_ends_the_attempt_before_anything_is_sent(tmp_path):
    """A TLS server with its own certificate: nothing of the request, and no credential, leaves."""
    from tests.connectors.tls import tls_system

    with tls_system(tmp_path) as system:
        with pytest.raises(ReadFailed, match="ConnectError"):
            RecordsConnector().read(system.info, "/things/1", CREDENTIAL, timeout_s=5)
        assert system.received == b""


def test_a_trusted_certificate_is_checked_against_the_hosts_name(tmp_path, monkeypatch):
    """The address is pinned, yet TLS asks for the name: right name passes, the same server under another name does not."""
    from accounts.egress import transport
    from tests.connectors.tls import tls_system

    with tls_system(tmp_path, name="localhost") as system:
        monkeypatch.setattr(transport, "_context", lambda: system.trusting)
        with client(f"https://localhost:{system.port}", allow_private=True, timeout_s=5) as http:
            assert http.get("/x").json() == {"id": "1"}
        with (
            client(f"https://127.0.0.1:{system.port}", allow_private=True, timeout_s=5) as http,
            pytest.raises(Exception, match="certificate"),
        ):
            http.get("/x")


def test_r32_outgoing_http_has_one_home():
    makes = re.compile(r"httpx\.(Client|AsyncClient|get|post|put|request|stream)\(|urlopen\(|HTTPS?Connection\(")
    apps = ("accounts", "actions", "approvals", "console", "gateway", "policies", "traces")
    files = [path for app in apps for path in (ROOT / app).rglob("*.py") if makes.search(path.read_text())]
    assert [str(path.relative_to(ROOT)) for path in files] == ["accounts/egress/rules.py"]
