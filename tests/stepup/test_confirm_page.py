"""The way of an approval that needs a proof, over HTTP: kept, proven, sent; without scripts by a code, else by a passkey."""

import json
import re

import pytest

from accounts.factors import totp
from accounts.models import Factor, StepUp
from approvals.models import Verdict
from approvals.statement import challenge_of
from tests.builders import planned, request_of
from tests.stepup.authenticator import PRESENT, Authenticator, raw
from tests.stepup.conftest import age, ask_for, browser, enrol_by_browser, next_code
from traces.models import Entry


@pytest.fixture
def refund(cast):
    ask_for(cast, "by_risk")
    return request_of(planned(cast), "desk.refund.create")


def approve(client, refund, reason="Checked the two charges."):
    data = {"choice": "approve", "reason": reason, "digest": refund.digest}
    return client.post(f"/approvals/{refund.pk}/decide/", data)


def enrol_key(client) -> Authenticator:
    key = Authenticator()
    asked = client.post("/me/security/passkey/options/").json()
    data = {"name": "Laptop", "challenge": asked["challenge"], "answer": key.create(asked["publicKey"])}
    assert client.post("/me/security/passkey/", data).status_code == 200
    return key


def test_person_without_a_factor_is_told_how_and_loses_nothing(cast, refund):
    client = browser(cast, "priya")
    confirm = f"/approvals/{refund.pk}/confirm/"
    assert approve(client, refund)["Location"] == confirm
    page = client.get(confirm).content.decode()
    assert "You need an authenticator app or a passkey" in page and "/me/security/" in page
    assert "Your approval was kept" in client.get("/me/security/").content.decode()
    enrol_by_browser(client)
    assert confirm in client.get("/me/security/").content.decode()
    assert not Verdict.objects.exists()
    age(StepUp, minutes=6)
    done = client.post(confirm, {"code": next_code(Factor.objects.get())})
    assert done["Location"] == f"/approvals/{refund.pk}/"
    verdict = Verdict.objects.get()
    assert verdict.reason == "Checked the two charges." and verdict.signed["statement"]["step_up"]["method"] == "totp"
    assert client.get(confirm)["Location"] == f"/approvals/{refund.pk}/"  # Nothing waits any more.


def test_fresh_step_up_asks_nothing_and_an_old_one_asks_again(cast, refund):
    client = browser(cast, "priya")
    enrol_by_browser(client)
    age(StepUp, minutes=6)
    assert approve(client, refund)["Location"].endswith("/confirm/") and not Verdict.objects.exists()
    client.post("/me/step-up/", {"code": next_code(Factor.objects.get()), "next": "/"})
    assert approve(client, refund)["Location"] == f"/approvals/{refund.pk}/" and Verdict.objects.count() == 1


def test_wrong_code_keeps_the_approval_and_says_so(cast, refund):
    client = browser(cast, "priya")
    enrol_by_browser(client)
    age(StepUp, minutes=6)
    approve(client, refund)
    answer = client.post(f"/approvals/{refund.pk}/confirm/", {"code": "000000"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "This code is not right" in page and "Checked the two charges." in page
    assert not Verdict.objects.exists()


def test_passkey_signs_the_digest_of_the_very_statement(cast, refund):
    ask_for(cast, "passkey")
    client = browser(cast, "priya")
    key = enrol_key(client)
    approve(client, refund)
    asked = client.post(f"/approvals/{refund.pk}/confirm/options/").json()
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"])}
    assert client.post(f"/approvals/{refund.pk}/confirm/", data)["Location"] == f"/approvals/{refund.pk}/"
    signed = Verdict.objects.get().signed
    assert raw(asked["publicKey"]["challenge"]) == challenge_of(signed["statement"])
    assert json.loads(raw(signed["assertion"]["client_data"]))["challenge"] == asked["publicKey"]["challenge"]
    entry = Entry.objects.filter(type="approval.verdict_recorded").latest("at").record["body"]
    assert entry["signed"] == signed
    assert set(signed["assertion"]) == {
        "credential_id", "public_key", "client_data", "authenticator_data", "signature",
    }  # fmt: skip


def test_passkey_that_did_not_check_who_holds_it_signs_no_verdict(cast, refund):
    ask_for(cast, "passkey")
    client = browser(cast, "priya")
    key = enrol_key(client)
    approve(client, refund)
    asked = client.post(f"/approvals/{refund.pk}/confirm/options/").json()
    assert asked["publicKey"]["userVerification"] == "required"
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"], flags=PRESENT)}
    assert client.post(f"/approvals/{refund.pk}/confirm/", data).status_code == 422
    assert not Verdict.objects.exists()


def test_answer_to_a_step_up_does_not_sign_a_verdict(cast, refund):
    ask_for(cast, "passkey")
    client = browser(cast, "priya")
    key = enrol_key(client)
    approve(client, refund)
    asked = client.post("/me/step-up/options/").json()
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"])}
    assert client.post(f"/approvals/{refund.pk}/confirm/", data).status_code == 422
    assert not Verdict.objects.exists()


def test_payload_edited_after_the_passkey_was_asked_is_409_and_nothing_is_recorded(cast, refund):
    from actions.edit import edit_payload

    ask_for(cast, "passkey")
    mail = request_of(refund.trace, "desk.mail.send")
    maya = browser(cast, "maya")
    key = enrol_key(maya)
    assert approve(maya, mail)["Location"].endswith("/confirm/")
    asked = maya.post(f"/approvals/{mail.pk}/confirm/options/").json()
    values = {"subject": mail.displayed["payload"]["subject"], "body": "Somebody else's words."}
    edit_payload(
        actor=cast.actor("priya"), editor=cast.user("priya"), request_id=mail.pk, digest=mail.digest, values=values
    )
    data = {"challenge": asked["challenge"], "answer": key.get(asked["publicKey"])}
    answer = maya.post(f"/approvals/{mail.pk}/confirm/", data)
    assert answer.status_code == 409 and not Verdict.objects.exists()


def test_removing_a_factor_asks_for_a_proof_and_goes_on_after_it(cast, refund):
    client = browser(cast, "priya")
    enrol_by_browser(client)
    factor = Factor.objects.get()
    age(StepUp, minutes=6)
    gone = f"/me/security/{factor.pk}/remove/"
    assert client.post(gone)["Location"] == "/me/step-up/?next=%2Fresume%2F"
    assert Factor.objects.exists()
    sent = client.post("/me/step-up/", {"code": next_code(factor), "next": "/resume/"})
    assert sent["Location"] == "/resume/" and gone in client.get("/resume/").content.decode()
    assert client.post(gone)["Location"] == "/me/security/" and not Factor.objects.exists()


def test_secret_and_codes_are_shown_once(cast, refund):
    client = browser(cast, "priya")
    sealed = enrol_by_browser(client)
    secret = totp.readable(sealed)
    page = client.get("/me/security/").content.decode()
    assert secret not in page and not re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", page)
    assert "10 recovery codes left" in page
    assert "no-store" in client.get("/me/security/")["Cache-Control"]


def test_step_up_leads_to_no_other_site(cast, refund):
    client = browser(cast, "priya")
    enrol_by_browser(client)
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        page = client.get("/me/step-up/", {"next": target}).content.decode()
        assert "evil.example" not in page
