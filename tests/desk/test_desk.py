"""The sample desk is stricter than a mock: credential, version, key, body."""

import pytest

ACCOUNT = "/accounts/acct_5521"


def bearer(desk, scope, **kwargs):
    return {"Authorization": f"Bearer {desk.token(scope, **kwargs)}"}


def test_no_token_no_record(http):
    assert http.get(ACCOUNT).status_code == 401
    assert http.get(ACCOUNT, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_expired_token_is_refused(http, desk):
    import time

    head = bearer(desk, "accounts:read", ttl=1)
    assert http.get(ACCOUNT, headers=head).status_code == 200
    time.sleep(1.1)
    assert http.get(ACCOUNT, headers=head).status_code == 401


def test_wrong_scope_and_wrong_client_are_refused(http, desk):
    assert http.get(ACCOUNT, headers=bearer(desk, "orders:read")).status_code == 403
    form = {"grant_type": "client_credentials", "scope": "accounts:read", "ttl": "60", "reference": "x"}
    assert http.post("/oauth/token", data=form, auth=("remit", "wrong")).status_code == 401


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        ({}, {"owner_note": "x"}, 428),
        ({"If-Match": '"9"'}, {"owner_note": "x"}, 412),
        ({"If-Match": '"1"'}, {"unknown": "x"}, 422),
        ({"If-Match": '"1"'}, {"owner_note": 5}, 422),
        ({"If-Match": '"1"'}, {"owner_note": "x"}, 200),
    ],
)
def test_writes_need_the_version_that_was_read(http, desk, head, body, status):
    assert http.patch(ACCOUNT, json=body, headers={**bearer(desk, "accounts:write"), **head}).status_code == status


def test_duplicate_names_and_large_bodies_are_refused(http, desk):
    head = {**bearer(desk, "accounts:write"), "If-Match": '"1"'}
    assert http.patch(ACCOUNT, content=b'{"owner_note":"a","owner_note":"b"}', headers=head).status_code == 400
    assert http.patch(ACCOUNT, content=b"x" * 70000, headers=head).status_code == 413


def test_value_is_silently_normalised_and_history_names_the_reference(http, desk):
    head = {**bearer(desk, "accounts:write"), "If-Match": '"1"'}
    made = http.patch(ACCOUNT, json={"last_contact_reason": "  Duplicate  CHARGE "}, headers=head).json()
    assert made["last_contact_reason"] == "duplicate charge"
    rows = http.get(f"{ACCOUNT}/history", headers=bearer(desk, "accounts:read")).json()["history"]
    assert rows[-1]["who"] == "test" and rows[-1]["old"] == "billing question"


def test_refund_needs_a_key_and_never_exceeds_the_charge(http, desk):
    body = {"order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 6000, "currency": "USD", "reason": "duplicate"}

    def refund(data, key):
        head = {**bearer(desk, "refunds:write"), **({"Idempotency-Key": key} if key else {})}
        return http.post("/refunds", json=data, headers=head)

    assert refund(body, None).status_code == 400
    assert refund({**body, "amount": 6001}, "a").status_code == 422
    first, again = refund(body, "b"), refund(body, "b")
    assert first.json() == again.json() and again.headers["Idempotent-Replayed"] == "true"
    assert refund({**body, "amount": 1}, "b").status_code == 422
    assert refund(body, "c").status_code == 422


def test_mail_refuses_header_injection(http, desk):
    head = {**bearer(desk, "mail:send"), "Idempotency-Key": "m"}
    body = {"to": "a@b.example\nBcc: x@evil.example", "subject": "s", "body": "b"}
    assert http.post("/mail", json=body, headers=head).status_code == 422


def test_view_page_is_escaped_and_closed(http):
    page = http.get("/view/accounts/acct_5521")
    assert "Birch &amp; Co" in page.text and "Sample support desk" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert http.get("/view/accounts/acct_0").status_code == 404
