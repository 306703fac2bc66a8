"""Refunds and mail: once a key, never too much, never to somebody slipped in."""

import pytest

REFUND = {"order_id": "48213", "charge_id": "ch_3PqRa1", "amount": 24000, "currency": "USD", "reason": "duplicate"}
MAIL = {"to": "ap@birch.example", "subject": "Your refund", "body": "Hello,\n\nit is on its way."}


def post(http, desk, path, body, key="k1"):
    scope = "refunds:write" if path == "/refunds" else "mail:send"
    return http.post(path, json=body, headers={**desk.bearer(scope), **({"Idempotency-Key": key} if key else {})})


def test_refund_changes_the_order_and_its_version(http, desk):
    made = post(http, desk, "/refunds", REFUND)
    assert made.status_code == 201 and made.json()["id"].startswith("re_") and made.json()["reference"] == "k1"
    order = http.get("/orders/48213", headers=desk.bearer("orders:read"))
    assert order.headers["ETag"] == '"2"' and order.json()["refunds"] == [made.json()["id"]]
    assert [charge["refunded"] for charge in order.json()["charges"]] == [24000, 0]
    assert desk.read(f"/refunds/{made.json()['id']}") == made.json()


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"amount": 24001}, 422, "24000"),
        ({"amount": 0}, 422, "amount"),
        ({"amount": -1}, 422, "amount"),
        ({"amount": True}, 422, "amount"),
        ({"amount": 1.0}, 422, "amount"),
        ({"amount": "24000"}, 422, "amount"),
        ({"currency": "EUR"}, 422, "USD"),
        ({"currency": "usd"}, 422, "currency"),
        ({"charge_id": "ch_3PqRb1"}, 422, "has no charge"),
        ({"order_id": "1"}, 404, "order 1"),
        ({"reason": ["duplicate"]}, 422, "reason"),
        ({"note": "x"}, 422, "note"),
    ],
)
def test_unfit_refunds_are_refused_and_move_nothing(http, desk, changed, status, words):
    answer = post(http, desk, "/refunds", {**REFUND, **changed})
    assert answer.status_code == status and words in answer.json()["detail"]
    assert desk.read("/orders/48213")["refunds"] == []


@pytest.mark.parametrize("missing", sorted(REFUND))
def test_every_part_of_a_refund_is_needed(http, desk, missing):
    body = {name: value for name, value in REFUND.items() if name != missing}
    answer = post(http, desk, "/refunds", body)
    assert answer.status_code == 422 and f"{missing} is missing" in answer.json()["detail"]


def test_partial_refunds_never_pass_the_charge(http, desk):
    assert post(http, desk, "/refunds", {**REFUND, "amount": 20000}, "a").status_code == 201
    assert post(http, desk, "/refunds", {**REFUND, "amount": 4001}, "b").status_code == 422
    assert post(http, desk, "/refunds", {**REFUND, "amount": 4000}, "c").status_code == 201


@pytest.mark.parametrize(("path", "body"), [("/refunds", REFUND), ("/mail", MAIL)])
def test_a_key_answers_once_and_for_one_body_and_place(http, desk, path, body):
    first, again = post(http, desk, path, body), post(http, desk, path, body)
    assert first.json() == again.json() and first.status_code == again.status_code
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"
    changed = {**body, "reason": "other"} if path == "/refunds" else {**body, "subject": "other"}
    assert post(http, desk, path, changed).status_code == 422
    other = ("/mail", MAIL) if path == "/refunds" else ("/refunds", REFUND)
    assert post(http, desk, *other).status_code == 422
    kind = path.strip("/")
    assert desk.read(f"{path}?reference=k1") == {kind: [first.json()]} and desk.read(f"{path}?reference=k2") == {
        kind: []
    }


def test_a_refused_request_does_not_burn_its_key(http, desk):
    assert post(http, desk, "/refunds", {**REFUND, "amount": 99999}).status_code == 422
    assert post(http, desk, "/refunds", REFUND).status_code == 201


@pytest.mark.parametrize("key", ["", "two words", "x" * 121, "a\tb", "<k>"])
@pytest.mark.parametrize(("path", "body"), [("/refunds", REFUND), ("/mail", MAIL)])
def test_a_plain_key_is_needed(http, desk, path, body, key):
    assert post(http, desk, path, body, key).status_code == 400


def test_look_up_needs_a_reference(http, desk):
    assert http.get("/refunds", headers=desk.bearer("refunds:read")).status_code == 400


def test_mail_is_accepted_under_a_stable_message_id(http, desk):
    made = post(http, desk, "/mail", MAIL, "act_01")
    assert made.status_code == 202 and made.json()["message_id"] == "<act_01@desk.example>"
    assert desk.read(f"/mail/{made.json()['id']}")["body"] == MAIL["body"]


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "a@b.example\r\nBcc: x@evil.example"},
        {"to": "a@b.example,x@evil.example"},
        {"to": "A <a@b.example>"},
        {"to": "a@b"},
        {"subject": "s\nBcc: x@evil.example"},
        {"subject": "s\rBcc: x@evil.example"},
        {"subject": "s\u2028Bcc: x@evil.example"},
        {"subject": "s\x85Bcc: x@evil.example"},
        {"subject": ""},
        {"body": "x\x00y"},
        {"bcc": "x@evil.example"},
    ],
)
def test_mail_goes_to_one_address_with_nothing_slipped_in(http, desk, changed):
    assert post(http, desk, "/mail", {**MAIL, **changed}).status_code == 422
    assert desk.read("/mail?reference=k1") == {"mail": []}
