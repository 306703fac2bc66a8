"""Tokens of the desk: exactly as asked, short, bound, revocable, good for one write (RFC 6749, RFC 7009; P8, T17)."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

ACCOUNT = "/accounts/acct_5521"
FORM = {"grant_type": "client_credentials", "scope": "accounts:read", "ttl": "60", "reference": "act_1"}
MAIL = {"to": "ap@birch.example", "subject": "Hello", "body": "Hello"}


def mint(http, desk, **changed):
    form = {name: value for name, value in {**FORM, **changed}.items() if value is not None}
    return http.post("/oauth/token", data=form, auth=(desk.client_id, desk.client_secret))


def test_token_answer_is_what_was_asked(http, desk):
    answer = mint(http, desk, record=ACCOUNT, scope="accounts:read accounts:write", ttl="300")
    body = answer.json()
    assert answer.headers["Cache-Control"] == "no-store" and body["token_type"] == "Bearer"
    assert (body["scope"], body["record"], body["expires_in"]) == ("accounts:read accounts:write", ACCOUNT, 300)
    assert body["token_id"] and body["token_id"] not in body["access_token"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"scope": "accounts:read everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "accounts:read accounts:read"}, "invalid_scope"),
        ({"ttl": "0"}, "invalid_request"),
        ({"ttl": "301"}, "invalid_request"),
        ({"ttl": "-1"}, "invalid_request"),
        ({"ttl": "²"}, "invalid_request"),
        ({"ttl": None}, "invalid_request"),
        ({"record": "acct_5521"}, "invalid_request"),
        ({"record": "/accounts/../orders"}, "invalid_request"),
        ({"reference": None}, "invalid_request"),
        ({"reference": "two words"}, "invalid_request"),
    ],
)
def test_refused_requests_name_the_oauth_error(http, desk, changed, error):
    answer = mint(http, desk, **changed)
    assert answer.status_code == 400 and answer.json()["error"] == error


@pytest.mark.parametrize(
    "content", [b"grant_type=client_credentials&scope=accounts:read&ttl=60&ttl=300&reference=x", b"x" * 70_000]
)
def test_repeated_parameters_and_large_forms_are_refused(http, desk, content):
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post("/oauth/token", content=content, headers=head, auth=(desk.client_id, desk.client_secret))
    assert answer.status_code in {400, 413}


@pytest.mark.parametrize("given", ["Basic cmVtaXQ6d3Jvbmc=", "Basic é", "Bearer x", ""])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_unknown_client_gets_invalid_client(http, path, given):
    answer = http.post(path, data=FORM, headers={"Authorization": given.encode("latin-1")})
    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_token_is_bound_to_its_record_and_scope(http, desk):
    head = desk.bearer("accounts:read", record=ACCOUNT)
    assert http.get(ACCOUNT, headers=head).status_code == 200
    for path in ("/accounts/acct_55210", "/accounts/acct_7001", "/accounts", "/orders/48213"):
        assert http.get(path, headers=head).status_code == 403, path
    assert http.patch(ACCOUNT, json={"tier": "x"}, headers={**head, "If-Match": '"1"'}).status_code == 403


def test_revoked_token_is_dead_and_revoking_twice_is_fine(http, desk):
    token = desk.token("accounts:read")
    head, auth = {"Authorization": f"Bearer {token}"}, (desk.client_id, desk.client_secret)
    assert http.get(ACCOUNT, headers=head).status_code == 200
    assert [http.post("/oauth/revoke", data={"token": token}, auth=auth).status_code for _ in "12"] == [200, 200]
    dead = http.get(ACCOUNT, headers=head)
    assert dead.status_code == 401 and "invalid_token" in dead.headers["WWW-Authenticate"]
    assert http.post("/oauth/revoke", data={"token": "unknown"}, auth=auth).status_code == 200
    assert http.post("/oauth/revoke", data={"other": "x"}, auth=auth).json()["error"] == "invalid_request"


def test_write_token_is_good_for_one_write_and_reads_go_on(http, desk):
    head = desk.bearer("accounts:write")
    assert http.patch(ACCOUNT, json={"tier": "A"}, headers={**head, "If-Match": '"9"'}).status_code == 412
    assert http.patch(ACCOUNT, json={"tier": "A"}, headers={**head, "If-Match": '"1"'}).status_code == 200
    second = http.patch(ACCOUNT, json={"tier": "B"}, headers={**head, "If-Match": '"2"'})
    assert second.status_code == 403 and "one write" in second.json()["detail"]
    assert http.get(ACCOUNT, headers=head).json()["tier"] == "A"


def test_a_spent_token_does_not_even_replay(http, desk):
    head = {**desk.bearer("mail:send"), "Idempotency-Key": "k1"}
    assert [http.post("/mail", json=MAIL, headers=head).status_code for _ in "12"] == [202, 403]


def test_writes_that_passed_the_check_together_make_one_write(http, desk):
    """Every request's head, and with it its token, arrives before any body: all pass the first check."""
    token, together = desk.token("mail:send"), Barrier(8)
    body, address = json.dumps(MAIL).encode(), ("127.0.0.1", int(desk.base_url.rpartition(":")[2]))

    def send(number: int) -> int:
        head = f"POST /mail HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: r{number}\r\n"
        with socket.create_connection(address, timeout=10) as wire:
            wire.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            wire.sendall(body[:1])
            together.wait(10)
            wire.sendall(body[1:])
            return int(wire.recv(64).split()[1])

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [202] + [403] * 7


def test_audit_shows_every_token_and_use_without_secrets(http, desk):
    token = desk.token("accounts:read", record=ACCOUNT)
    head = {"Authorization": f"Bearer {token}"}
    http.get(ACCOUNT, headers=head)
    http.get(f"{ACCOUNT}/history", headers=head)
    answer = http.get("/audit", auth=(desk.client_id, desk.client_secret))
    row = answer.json()["tokens"][-1]
    assert (row["scope"], row["record"], row["ttl"], row["uses"], row["revoked_at"]) == (
        "accounts:read", ACCOUNT, 60, 2, None,
    )  # fmt: skip
    assert [use["path"] for use in answer.json()["uses"] if use["token_id"] == row["id"]] == [
        ACCOUNT, f"{ACCOUNT}/history",
    ]  # fmt: skip
    assert token not in answer.text and http.get("/audit").status_code == 401
