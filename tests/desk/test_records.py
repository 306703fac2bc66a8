"""Accounts and tickets: versions, fields, history."""

import pytest

ACCOUNT, TICKET = "/accounts/acct_5521", "/tickets/88213"


def patch(http, desk, fields, *, version='"1"', path=ACCOUNT, reference=None):
    head = desk.bearer(f"{path.split('/')[1]}:write")
    return http.patch(path, json=fields, headers={**head, "If-Match": version})


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"id": "acct_1"}, "id"),
        ({"credit_limit": "lots"}, "credit_limit"),
        ({"credit_limit": "5000"}, "credit_limit"),
        ({"credit_limit": 5000}, "credit_limit"),
        ({"billing_email": "a@b.example, c@d.example"}, "billing_email"),
        ({"billing_email": "nobody"}, "billing_email"),
        ({"region": "MARS"}, "region"),
        ({"tier": "a\nb"}, "tier"),
        ({"owner_note": "x" * 501}, "owner_note"),
        ({"owner_note": "bell\x07"}, "owner_note"),
        ({"owner_note": None}, "owner_note"),
        ({}, "at least one"),
    ],
)
def test_unfit_fields_are_refused_by_name_and_change_nothing(http, desk, fields, named):
    answer = patch(http, desk, fields)
    assert answer.status_code == 422 and named in answer.json()["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert http.get(ACCOUNT, headers=desk.bearer("accounts:read")).headers["ETag"] == '"1"'


@pytest.mark.parametrize("version", ["1", 'W/"1"', "*", '"0"', '"01"'])
def test_only_the_exact_strong_version_is_taken(http, desk, version):
    assert patch(http, desk, {"tier": "x"}, version=version).status_code == 412


def test_every_write_moves_the_version(http, desk):
    assert patch(http, desk, {"credit_limit": "12000.00", "name": "Birch"}).headers["ETag"] == '"2"'
    assert patch(http, desk, {"tier": "x"}).status_code == 412
    assert desk.read(ACCOUNT)["credit_limit"] == "12000.00"


def test_writing_what_stands_there_leaves_no_trace(http, desk):
    answer = patch(http, desk, {"last_contact_reason": "  Billing   QUESTION "})
    assert answer.status_code == 200 and answer.headers["ETag"] == '"1"'
    assert desk.read(f"{ACCOUNT}/history") == {"history": []}


def test_history_is_found_by_reference(http, desk):
    patch(http, desk, {"tier": "Plus", "region": "US"})
    rows = desk.read(f"{ACCOUNT}/history?reference=test")["history"]
    assert [(row["field"], row["old"], row["new"]) for row in rows] == [
        ("tier", "Team", "Plus"),
        ("region", "EU", "US"),
    ]
    assert all(row["at"].endswith("+00:00") for row in rows)
    assert desk.read(f"{ACCOUNT}/history?reference=other") == {"history": []}
    assert http.get("/accounts/acct_0/history", headers=desk.bearer("accounts:read")).status_code == 404


def test_accounts_are_listed_by_region(http, desk):
    def names(query):
        answer = http.get(f"/accounts{query}", headers=desk.bearer("accounts:read")).json()
        return [row["id"] for row in answer["accounts"]]

    assert names("?region=EU") == ["acct_5521", "acct_5522"] and names("?region=US") == ["acct_7001", "acct_7002"]
    assert len(names("")) == 4 and names("?region=MARS") == []


def test_tickets_have_a_status_and_a_note(http, desk):
    assert patch(http, desk, {"status": "lost"}, path=TICKET).status_code == 422
    assert patch(http, desk, {"subject": "x"}, path=TICKET).status_code == 422
    made = patch(http, desk, {"status": "closed", "note": "Refunded.\nDone."}, path=TICKET)
    assert made.status_code == 200 and made.json()["note"] == "Refunded.\nDone."
    assert [row["field"] for row in desk.read(f"{TICKET}/history")["history"]] == ["status", "note"]


@pytest.mark.parametrize("path", ["/accounts/acct_0", "/orders/1", "/tickets/1", "/refunds/re_0", "/mail/msg_0"])
def test_absent_records_are_404(http, desk, path):
    answer = http.get(path, headers=desk.bearer(f"{path.split('/')[1]}:read"))
    assert answer.status_code == 404 and answer.json()["status"] == 404


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", ACCOUNT, 405)])
def test_wrong_addresses_are_problems_too(http, method, path, status):
    answer = http.request(method, path)
    assert answer.status_code == status and answer.headers["Content-Type"] == "application/problem+json"


def test_view_page_shows_text_only(http, desk):
    patch(http, desk, {"owner_note": "<script>alert(1)</script>"})
    page = http.get("/view/accounts/acct_5521").text
    assert "&lt;script&gt;" in page and "<script" not in page
    assert http.get("/view/tokens/x").status_code == 404
