"""The editor and what happens meanwhile: typed text is kept, nobody edits what is decided, late or not theirs (R-24, B-05)."""

import pytest

from accounts.clock import database_now
from actions.edit import edit_payload
from actions.models import Action
from approvals.models import ApprovalRequest
from approvals.refusals import AlreadyDecided, NotEntitled
from tests.approvals.test_break_glass import broken
from tests.approvals.test_pages import browser, edit
from tests.approvals.test_typed_edit import send
from tests.builders import vote


def saved(cast, request, first, digest, **values):
    payload = request.displayed["payload"]
    given = {"value-subject": payload["subject"], "value-body": payload["body"], "value-to": payload["to"]}
    given |= {f"value-{name}": value for name, value in values.items()}
    return browser(cast, first).post(f"/approvals/{request.pk}/edit/", {**given, "digest": digest})


def test_p4_text_typed_over_a_payload_that_changed_is_kept_and_can_be_saved_after_a_look(cast, draft):
    seen = draft.digest
    edit(cast, draft, "Somebody else's words.")
    answer = saved(cast, draft, "maya", seen, body="My words.")
    page = answer.content.decode()
    assert answer.status_code == 409 and "My words.</textarea>" in page and "Somebody else&#x27;s" in page
    draft.refresh_from_db()
    assert draft.digest in page and seen not in page, "what is sent next is an edit of what stands here"
    assert saved(cast, draft, "maya", draft.digest, body="My words.").status_code == 302
    assert Action.objects.get(pk=draft.action_id).arguments["body"] == "My words."


def test_what_was_decided_meanwhile_says_by_whom_and_has_no_editor_any_more(cast, refund):
    vote(cast, refund, "ken", "reject", "Not a duplicate.")
    answer = send(cast, refund, amount="199.99")
    page = answer.content.decode()
    assert answer.status_code == 409 and "Already rejected by Ken Abe at" in page and "Save edits" not in page
    assert browser(cast, "priya").get(f"/approvals/{refund.pk}/edit/")["Location"] == f"/approvals/{refund.pk}/"


def test_an_emergency_meanwhile_says_whose_it_was(cast, refund):
    broken(cast, refund)
    page = send(cast, refund, amount="199.99").content.decode()
    assert "Already run in an emergency by Sam Boye at" in page


def test_b05_what_is_out_of_time_is_edited_by_nobody(cast, refund):
    ApprovalRequest.objects.filter(pk=refund.pk).update(expires_at=database_now())
    before = refund.digest
    answer = send(cast, refund, amount="199.99")
    refund.refresh_from_db()
    assert answer.status_code == 409 and "expired at" in answer.content.decode() and refund.digest == before
    with pytest.raises(AlreadyDecided, match="expired"):
        edit_payload(
            actor=cast.actor("priya"),
            editor=cast.user("priya"),
            request_id=refund.pk,
            digest=before,
            values={"amount": 1},
        )


@pytest.mark.parametrize("first", ["maya", "ava", "dana"])
def test_who_may_not_decide_sees_no_editor(cast, refund, first):
    assert browser(cast, first).get(f"/approvals/{refund.pk}/edit/").status_code == 302


def test_r24_an_edit_is_made_by_whoever_is_signed_in(cast, refund):
    with pytest.raises(NotEntitled, match="signed in"):
        edit_payload(
            actor=cast.actor("ken"), editor=cast.user("priya"), request_id=refund.pk, digest=refund.digest,
            values={"amount": 1},
        )  # fmt: skip
    refund.refresh_from_db()
    assert refund.is_open and not Action.objects.get(pk=refund.action_id).edits
