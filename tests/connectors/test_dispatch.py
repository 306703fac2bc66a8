"""The records connector against the real desk: what an answer proves, and what it does not (F-02, F-04, F11, F14)."""

from pathlib import Path

import httpx
import pytest
import yaml

from accounts.egress import EgressRefused, client
from actions.connectors.base import ConnectionInfo, CredentialError, ReadFailed, RecordGone
from actions.connectors.operation import OperationError, normalised, parse_operation
from actions.connectors.records.connector import RecordsConnector

TOOLS = {
    t["name"]: t for t in yaml.safe_load((Path(__file__).parents[2] / "sample/world/tools.yaml").read_text())["tools"]
}
REFUND = parse_operation(TOOLS["desk.refund.create"]["operation"])
UPDATE = parse_operation(TOOLS["desk.account.update"]["operation"])
BODY = {"order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 6000, "currency": "USD", "reason": "duplicate"}
CONNECTOR = RecordsConnector()


@pytest.fixture
def info(desk) -> ConnectionInfo:
    desk.reset()
    return ConnectionInfo("desk", "records", desk.base_url, desk.client_id, desk.client_secret, True)


def mint(info, *scope, record=None, ttl_s=60):
    return CONNECTOR.mint(info, scope=scope, record=record, ttl_s=ttl_s, reference="act_test", timeout_s=10)


def refund(info, *, key="k1", body=BODY, timeout_s=5.0):
    sent = CONNECTOR.compose(REFUND, body, body, version=None, idempotency_key=key, action_id="act_test")
    return CONNECTOR.dispatch(info, REFUND, sent, mint(info, "refunds:write"), timeout_s=timeout_s)


def update(info, version):
    arguments = {"account_id": "acct_5521", "fields": {"owner_note": "x"}}
    sent = CONNECTOR.compose(
        UPDATE, arguments, arguments["fields"], version=version, idempotency_key="k", action_id="act_test"
    )
    credential = mint(info, "accounts:write", record="/accounts/acct_5521")
    return CONNECTOR.dispatch(info, UPDATE, sent, credential, timeout_s=5.0)


def test_f01_same_key_takes_effect_once(info, desk):
    first, second = refund(info), refund(info)
    assert (first.kind, second.kind) == ("done", "done") and first.body["id"] == second.body["id"]
    assert len(desk.read("/orders/48401")["refunds"]) == 1


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "500_before", "500_after", "cut_body", "not_json"])
def test_f11_ambiguous_answers_are_unknown(info, desk, fault):
    desk.fault(fault)
    assert refund(info).kind == "unknown"


def test_f11_slow_answer_is_unknown_and_bounded(info, desk):
    desk.fault("slow_after")
    outcome = refund(info, timeout_s=0.5)
    assert outcome.kind == "unknown" and outcome.elapsed_ms < 3000


def test_never_connected_is_proof_of_no_effect(info):
    credential = mint(info, "refunds:write")
    nowhere = ConnectionInfo("desk", "records", "http://127.0.0.1:9", info.client_id, info.client_secret, True)
    sent = CONNECTOR.compose(REFUND, BODY, BODY, version=None, idempotency_key="k", action_id="a")
    assert CONNECTOR.dispatch(nowhere, REFUND, sent, credential, timeout_s=2.0).kind == "no_effect"


def test_declared_refusal_is_no_effect_with_the_reason(info):
    outcome = refund(info, body={**BODY, "amount": 999999})
    assert outcome.kind == "no_effect" and "left to refund" in outcome.detail


def test_stale_version_is_refused_by_the_system(info):
    assert update(info, '"99"').kind == "no_effect"
    with pytest.raises(OperationError, match="no version"):
        update(info, None)


def test_f14_credential_is_exactly_as_asked_or_not_used(info, desk):
    credential = mint(info, "accounts:write", record="/accounts/acct_5521", ttl_s=30)
    assert (credential.scope, credential.record, credential.expires_in_s) == (
        ("accounts:write",),
        "/accounts/acct_5521",
        30,
    )
    with pytest.raises(CredentialError):
        mint(info, "everything")
    with pytest.raises(CredentialError):
        mint(info, "accounts:write", ttl_s=301)


def test_f14_broader_credential_is_revoked_unused(info, monkeypatch):
    """A system that hands out more than was asked for: its answer is altered between desk and connector."""
    honest = CONNECTOR._token_request
    revoked = []

    def generous(given, path, form, *more):
        answer = dict(honest(given, path, form, *more))
        if path == "/oauth/revoke":
            revoked.append(form["token"])
        return {**answer, "scope": "accounts:write refunds:write"} if path == "/oauth/token" else answer

    monkeypatch.setattr(CONNECTOR, "_token_request", generous)
    with pytest.raises(CredentialError, match="another credential"):
        mint(info, "accounts:write")
    assert len(revoked) == 1


def test_p8_token_is_bound_revocable_and_good_for_one_write(info, desk):
    credential = mint(info, "accounts:write", record="/accounts/acct_5521")
    with pytest.raises(ReadFailed, match="403"):
        CONNECTOR.read(info, "/accounts/acct_7001", credential, timeout_s=5)
    found = CONNECTOR.read(info, "/accounts/acct_5521", credential, timeout_s=5)
    head = {"Authorization": f"Bearer {credential.secret}", "If-Match": found.version}
    url = f"{desk.base_url}/accounts/acct_5521"
    assert httpx.patch(url, json={"owner_note": "a"}, headers=head, trust_env=False).status_code == 200
    again = {**head, "If-Match": '"2"'}
    assert httpx.patch(url, json={"owner_note": "b"}, headers=again, trust_env=False).status_code == 403
    assert CONNECTOR.revoke(info, credential)
    with pytest.raises(ReadFailed, match="401"):
        CONNECTOR.read(info, "/accounts/acct_5521", credential, timeout_s=5)


def test_missing_record_is_told_from_a_failure(info):
    with pytest.raises(RecordGone):
        CONNECTOR.read(info, "/accounts/acct_0", mint(info, "accounts:read"), timeout_s=5)


def test_secrets_do_not_print(info):
    credential = mint(info, "accounts:read")
    assert info.client_secret not in repr(info) and credential.secret not in repr(credential)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "https://127.0.0.1", "https://[::1]", "https://localhost", "http://example.com", "ftp://x"],
)
def test_r32_private_addresses_and_plain_http_are_refused(url):
    with pytest.raises(EgressRefused):
        client(url, allow_private=False, timeout_s=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"retries": 3}, "retries"), ({"class": "D"}, "class"), ({"write": {"method": "TRACE"}}, "write")],
)
def test_operation_is_closed_and_names_the_field(change, words):
    with pytest.raises(OperationError, match=words):
        parse_operation({**TOOLS["desk.account.update"]["operation"], **change})


def test_declared_normaliser_is_what_the_system_does():
    assert normalised(UPDATE, "last_contact_reason", "  Duplicate  Charge ") == "duplicate charge"
