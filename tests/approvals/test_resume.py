"""Verdicts kept until a proof: titles where the form has ids and digests, and beside them all that is sent (P3, V7.5.3)."""

import html
import re

from approvals.models import Verdict
from tests.approvals.test_batch import asked, sent  # noqa: F401 - a fixture
from tests.approvals.test_pages import browser
from tests.builders import planned, publish, request_of, sample_plain, vote
from tests.stepup.conftest import ask_for

REFUND = "desk.refund.create"


def words(client) -> str:
    """What the page says, without what stands under `All that is sent`."""
    page = client.get("/resume/").content.decode()
    assert "All that is sent, to" in page
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<details.*?</details>", "", page, flags=re.S)))


def machine_words(text: str) -> list[str]:
    return re.findall(r"sha256:[0-9a-f]+|\b(?:apr|pln|act)_[0-9A-Z]{26}", text)


def test_a_kept_batch_is_told_by_titles_also_what_is_not_ticked_or_moved_meanwhile(cast, asked):  # noqa: F811
    ask_for(cast, "totp")
    client = browser(cast, "priya")
    body = sent(asked, reason="Looked at all.") | {"id": [asked[0].pk, asked[1].pk]}
    assert client.post("/approvals/batch/", body)["Location"].startswith("/me/step-up/")
    asked[1].verdicts.update(void=True)
    vote(cast, asked[1], "ken", "reject", "Not this one.")
    said = words(client)
    assert "Approve 2 requests together" in said and "Looked at all." in said and machine_words(said) == []
    fates = ("Approve", "It changed or was decided meanwhile", "Not ticked")
    for number, (found, fate) in enumerate(zip(asked, fates, strict=True)):
        assert f"{found.title}. refund_status: state {number}" in said and fate in said
    assert not Verdict.objects.filter(user=cast.user("priya")).exists()


def test_kept_decisions_on_a_plan_are_told_by_titles(cast):
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.account.update"] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    ask_for(cast, "totp")
    trace = planned(cast)
    update = request_of(trace, "desk.account.update")
    client = browser(cast, "priya")
    body = {f"choice-{update.pk}": "approve", f"digest-{update.pk}": update.digest, f"reason-{update.pk}": "Checked."}
    path = f"/plans/{trace.plans.get().pk}/decide/"
    assert client.post(path, body)["Location"].startswith("/me/step-up/")
    said = words(client)
    assert "Your decisions on this plan" in said and update.title in said and "Checked." in said
    assert machine_words(said) == []


def test_what_the_person_no_longer_sees_is_not_told(cast, asked):  # noqa: F811
    ask_for(cast, "totp")
    client = browser(cast, "priya")
    client.post("/approvals/batch/", sent(asked))
    cast.user("priya").memberships.all().delete()
    client.force_login(cast.user("priya"))
    assert asked[0].title not in html.unescape(client.get("/resume/").content.decode())
