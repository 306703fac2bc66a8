"""A credential is exactly what was decided, or it is revoked and nothing is sent (F14, P8, T17)."""

import json

import pytest

from actions.connectors.base import CredentialError
from actions.connectors.records.connector import RecordsConnector
from tests.connectors.raw import answer, raw_system

CONNECTOR = RecordsConnector()
TOKEN = "tokenFromTheSystem"
GIVEN = {
    "access_token": TOKEN, "token_type": "Bearer", "expires_in": 60, "scope": "accounts:write",
    "record": "/accounts/1", "token_id": "tok_1",
}  # fmt: skip


def mint(system):
    return CONNECTOR.mint(
        system.info, scope=("accounts:write",), record="/accounts/1", ttl_s=60, reference="act_1", timeout_s=10
    )


def token_answer(**changed):
    body = {name: value for name, value in {**GIVEN, **changed}.items() if value is not None}
    return answer(200, json.dumps(body).encode())


def test_the_request_asks_for_one_scope_record_and_time():
    with raw_system(token_answer()) as system:
        credential = mint(system)
    head, _, form = system.requests[0].decode().partition("\r\n\r\n")
    assert head.startswith("POST /oauth/token ") and "authorization: basic" in head.lower()
    assert sorted(form.split("&")) == [
        "grant_type=client_credentials", "record=%2Faccounts%2F1", "reference=act_1", "scope=accounts%3Awrite", "ttl=60",
    ]  # fmt: skip
    assert (credential.id, credential.scope, credential.expires_in_s) == ("tok_1", ("accounts:write",), 60)
    assert TOKEN not in repr(credential) and TOKEN not in str(credential)


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": "accounts:write refunds:write"},
        {"scope": "accounts:read"},
        {"scope": ""},
        {"scope": None},
        {"record": None},
        {"record": "/accounts"},
        {"record": "/accounts/2"},
        {"record": ["/accounts/1"]},
        {"expires_in": 61},
        {"expires_in": 59},
        {"expires_in": "60"},
        {"expires_in": True},
        {"expires_in": None},
        {"token_type": "MAC"},
        {"token_type": None},
        {"token_id": f"id of {TOKEN}"},
    ],
)
def test_f14_anything_else_is_revoked_unused(changed):
    with raw_system(token_answer(**changed), answer(200, b"{}")) as system:
        with pytest.raises(CredentialError, match="revoked unused") as refused:
            mint(system)
        assert [request.split(b" ")[1] for request in system.requests] == [b"/oauth/token", b"/oauth/revoke"]
        assert system.requests[1].endswith(f"token={TOKEN}".encode()) and TOKEN not in str(refused.value)


def test_f14_a_revocation_that_failed_is_said():
    system_says = token_answer(expires_in=3600), answer(500, b"{}")
    with raw_system(*system_says) as system, pytest.raises(CredentialError, match="did not confirm"):
        mint(system)


@pytest.mark.parametrize(
    "given",
    [
        answer(200, b"{}"),
        answer(200, b"not json"),
        answer(200, b"[]"),
        answer(201, b"{}"),
        answer(400, b'{"error": "invalid_scope"}'),
        answer(307, b"{}", "Location: http://127.0.0.1:1/"),
        answer(200, b" " * 2_000_000),
        token_answer(access_token=""),
        token_answer(access_token=7),
        token_answer(access_token="a\r\nX-Other: b"),
        token_answer(access_token="a b"),
        b"",
    ],
)
def test_an_answer_without_a_usable_token_is_an_error(given):
    with raw_system(given) as system:
        with pytest.raises(CredentialError):
            mint(system)
        assert len(system.requests) == 1


def test_a_system_that_names_no_token_gets_a_name_that_is_not_the_secret():
    with raw_system(token_answer(token_id=None)) as system:
        credential = mint(system)
    assert credential.id.startswith("sha256:") and TOKEN not in credential.id


def test_every_credential_of_the_desk_is_its_own_and_ends(desk):
    """T17: unique, exact, used for what it was minted for, revoked."""
    from actions.connectors.base import ConnectionInfo

    desk.reset()
    info = ConnectionInfo("desk", "records", desk.base_url, desk.client_id, desk.client_secret, True)
    path = "/accounts/acct_5521"
    made = [
        CONNECTOR.mint(info, scope=("accounts:read",), record=path, ttl_s=30, reference=f"act_{number}", timeout_s=10)
        for number in range(5)
    ]
    for credential in made:
        CONNECTOR.read(info, path, credential, timeout_s=5)
        assert CONNECTOR.revoke(info, credential)
    rows = {row["id"]: row for row in desk.audit()}
    assert len({credential.secret for credential in made}) == len({credential.id for credential in made}) == 5
    for number, credential in enumerate(made):
        row = rows[credential.id]
        assert (row["scope"], row["record"], row["ttl"], row["reference"]) == (
            "accounts:read",
            path,
            30,
            f"act_{number}",
        )
        assert row["uses"] == 1 and row["revoked_at"] is not None
