"""An open page says in place when it is no longer so: decided, changed, run out, not mine any more (F1, P4, ui 4 and 9)."""

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.permissions import Role
from accounts.services import remove_member
from approvals.models import ApprovalRequest, Verdict
from approvals.services import replace_payload
from sample.agent.__main__ import STEPS
from tests.approvals.test_pages import browser
from tests.builders import planned, request_of, vote

REFUND = "desk.refund.create"


@pytest.fixture
def refund(cast):
    return request_of(planned(cast, STEPS[:2]), REFUND)


def ask(client, path: str, seen: str):
    return client.get(f"{path}?seen={seen}", headers={"HX-Request": "true"})


def news_of(client) -> str:
    """The fingerprint that a drawn queue carries."""
    return client.get("/approvals/").context["queue"].fingerprint


def test_queue_answers_nothing_until_it_changed_and_then_moves_nothing(cast, refund):
    ken = browser(cast, "ken")
    seen = news_of(ken)
    assert ask(ken, "/approvals/", seen).status_code == 204
    planned(cast, STEPS[:2])
    told = ask(ken, "/approvals/", seen)
    page = told.content.decode()
    assert told.status_code == 200 and "The queue changed: 2 now" in page and 'role="status"' in page
    assert "<li" not in page, "rows, ticks and focus stay as they are"
    assert news_of(ken) in page and ask(ken, "/approvals/", news_of(ken)).status_code == 204
    vote(cast, refund, "priya")
    assert "The queue changed: 1 now" in ask(ken, "/approvals/", seen).content.decode()


def test_page_that_is_still_so_is_told_nothing(cast, refund):
    ken = browser(cast, "ken")
    assert ask(ken, f"/approvals/{refund.pk}/", refund.digest).status_code == 204
    assert "hx-get" in ken.get(f"/approvals/{refund.pk}/").content.decode()
    assert not Verdict.objects.exists()


def rejected(cast, refund) -> None:
    vote(cast, refund, "priya", "reject", "Not a duplicate.")


def filled(cast, refund) -> None:
    vote(cast, refund, "priya")


def ran_out(cast, refund) -> None:
    ApprovalRequest.objects.filter(pk=refund.pk).update(expires_at=F("expires_at") - timedelta(days=1))


def dismissed(cast, refund) -> None:
    remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("ken"), role=Role.REVIEWER)


ENDS = {
    rejected: "Already rejected by Priya Nair at ", filled: "Step 2 is decided by Finance", ran_out: "so it was denied",
    dismissed: "needs the Reviewer role",
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), ENDS.items(), ids=[change.__name__ for change in ENDS])
def test_f1_what_ended_meanwhile_takes_the_form_away_and_says_why(cast, refund, change, words):
    ken = browser(cast, "ken")
    change(cast, refund)
    told = ask(ken, f"/approvals/{refund.pk}/", refund.digest)
    assert told["HX-Retarget"] == "#decision" and words in told.content.decode()
    answer = ken.post(f"/approvals/{refund.pk}/decide/", {"choice": "approve", "digest": refund.digest})
    assert answer.status_code in {409, 422} and words in answer.content.decode(), (
        "without scripts the form says the same"
    )
    assert not Verdict.objects.filter(user=cast.user("ken")).exists()


def test_p4_what_changed_meanwhile_is_said_above_the_form_which_keeps_its_reason(cast, refund):
    ken, seen = browser(cast, "ken"), refund.digest
    replace_payload(actor=cast.actor("sam"), editor=cast.user("sam"), stands_in_for=None, request=refund, title=refund.title,
                    digest="sha256:other", displayed=refund.displayed, bound=refund.bound)  # fmt: skip
    told = ask(ken, f"/approvals/{refund.pk}/", seen)
    assert "HX-Retarget" not in told and "The payload changed after you opened it." in told.content.decode()
    assert 'id="still"' in told.content.decode()


def test_a_stranger_is_told_nothing(cast, refund):
    assert ask(browser(cast, "omar"), f"/approvals/{refund.pk}/", refund.digest).status_code == 404
