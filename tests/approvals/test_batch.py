"""Review together: the same tool, tier and reversible effect only; each item is decided by itself on what was shown (E-03)."""

import pytest

from actions.edit import edit_payload
from approvals.batch import MOST
from approvals.models import ApprovalRequest, Verdict
from tests.approvals.test_pages import browser
from tests.builders import STEPS, planned, publish, request_of, sample_plain, vote
from tests.held import row_held
from tests.stepup.conftest import ask_for

UPDATE = "desk.account.update"


@pytest.fixture
def asked(cast) -> list[ApprovalRequest]:
    """Three account updates that wait for a person."""
    plain = sample_plain()
    for role in plain["roles"].values():
        if UPDATE in role["tools"]:
            role["tools"][UPDATE] = {"mode": "approval", "route": next(iter(plain["routes"]))}
    publish(cast, plain)
    step = STEPS[2]
    notes = [{**step["arguments"], "fields": {"refund_status": f"state {n}"}} for n in range(3)]
    return [request_of(planned(cast, [{**step, "arguments": note}]), UPDATE) for note in notes]


def sent(requests, choice="approve", reason="", **more):
    body = {"id": [r.pk for r in requests], "shown": [r.pk for r in requests], "choice": choice, "reason": reason}
    return body | {f"digest-{r.pk}": r.digest for r in requests} | more


def ids(requests) -> str:
    return "&".join(f"id={request.pk}" for request in requests)


def test_page_shows_each_effect_and_the_digest_it_stands_for(cast, asked):
    page = browser(cast, "priya").get(f"/approvals/batch/?{ids(asked)}").content.decode()
    for number, request in enumerate(asked):
        assert request.digest in page and f"state {number}" in page
        assert f'value="{request.pk}" checked' in page


def test_each_is_decided_by_itself_and_told_by_itself(cast, asked):
    first, edited, decided = asked
    body = sent(asked)
    edit_payload(
        actor=cast.actor("ken"), editor=cast.user("ken"), request_id=edited.pk, digest=edited.digest,
        values={"refund_status": "put right"},
    )  # fmt: skip
    vote(cast, decided, "priya")
    page = browser(cast, "priya").post("/approvals/batch/", body).content.decode()
    assert "1 done" in page and "1 changed meanwhile" in page and "1 already decided" in page
    assert Verdict.objects.filter(request=first).count() == Verdict.objects.filter(request=decided).count() == 1
    assert not Verdict.objects.filter(request=edited).exists()


def test_a_second_press_decides_nothing_twice(cast, asked):
    browser(cast, "priya").post("/approvals/batch/", sent(asked))
    browser(cast, "priya").post("/approvals/batch/", sent(asked))
    assert Verdict.objects.filter(request__in=asked).count() == 3


def test_unticked_requests_are_left_alone(cast, asked):
    body = sent(asked) | {"id": [asked[0].pk]}
    browser(cast, "priya").post("/approvals/batch/", body)
    assert [Verdict.objects.filter(request=one).count() for one in asked] == [1, 0, 0]


@pytest.mark.parametrize("tool", ["desk.mail.send", "desk.refund.create"])
def test_what_cannot_be_undone_is_reviewed_alone_also_by_a_forged_form(cast, asked, tool):
    other = request_of(planned(cast), tool)
    page = browser(cast, "ken").get(f"/approvals/batch/?{ids([*asked, other])}").content.decode()
    assert "Reviewed alone" in page and other.digest not in page
    browser(cast, "ken").post("/approvals/batch/", sent([*asked, other]))
    assert not Verdict.objects.filter(request=other).exists()
    assert browser(cast, "ken").post("/approvals/batch/", sent([other])).status_code == 422


def test_rejecting_needs_a_reason_and_keeps_the_page(cast, asked):
    answer = browser(cast, "priya").post("/approvals/batch/", sent(asked, "reject"))
    assert answer.status_code == 422 and asked[0].digest in answer.content.decode()
    assert not Verdict.objects.filter(request__in=asked).exists()
    browser(cast, "priya").post("/approvals/batch/", sent(asked, "reject", "Not these."))
    assert {r.state for r in ApprovalRequest.objects.filter(pk__in=[a.pk for a in asked])} == {"rejected"}


@pytest.mark.parametrize("body", [{}, {"id": ["apr_1"], "choice": "maybe"}, {"choice": "approve"}])
def test_an_incomplete_form_decides_nothing(cast, asked, body):
    given = body | ({"id": [asked[0].pk]} if "id" in body else {})
    assert browser(cast, "priya").post("/approvals/batch/", given).status_code == 422
    assert not Verdict.objects.filter(request__in=asked).exists()


def test_a_digest_that_was_not_shown_decides_nothing(cast, asked):
    body = sent(asked[:1]) | {f"digest-{asked[0].pk}": ""}
    assert "1 changed meanwhile" in browser(cast, "priya").post("/approvals/batch/", body).content.decode()


def test_too_many_at_once_are_refused(cast, asked):
    many = "&".join(f"id=apr_{n:026d}" for n in range(MOST + 1))
    assert "At most 50" in browser(cast, "priya").get(f"/approvals/batch/?{many}").content.decode()


def test_a_stranger_finds_nothing(cast, asked):
    assert browser(cast, "omar").get(f"/approvals/batch/?{ids(asked)}").status_code == 404
    assert browser(cast, "omar").post("/approvals/batch/", sent(asked)).status_code == 404
    assert not Verdict.objects.filter(request__in=asked).exists()


def test_queue_offers_ticks_only_for_what_may_stand_together(cast, asked):
    draft = request_of(planned(cast), "desk.mail.send")
    page = browser(cast, "ken").get("/approvals/").content.decode()
    assert all(f'value="{one.pk}" form="batch"' in page for one in asked)
    assert f'value="{draft.pk}" form="batch"' not in page
    assert 'form="batch"' not in browser(cast, "ken").get("/approvals/?show=team").content.decode()


def test_b01_what_is_no_field_of_the_record_stands_on_the_page_too(cast, asked):
    """Two requests that differ only in an argument beside the fields must not look the same."""
    page = browser(cast, "priya").get(f"/approvals/batch/?{ids(asked)}").content.decode()
    assert page.count("<code>account_id</code>") == 3
    alone = browser(cast, "priya").get(f"/approvals/{asked[0].pk}/").content.decode()
    assert "<code>account_id</code>" in alone


def test_a_message_is_never_in_a_batch(cast, asked):
    request = asked[0]
    request.displayed = {
        **request.displayed,
        "payload": {"kind": "email", "to": "a@b.example", "subject": "s", "body": "b", "edits": {}},
    }
    request.save()
    page = browser(cast, "priya").get(f"/approvals/batch/?{ids(asked)}").content.decode()
    assert "A message is read whole" in page and request.digest not in page


def test_the_page_costs_the_same_however_many_stand_on_it(cast, asked, django_assert_max_num_queries):
    priya = browser(cast, "priya")
    with django_assert_max_num_queries(200) as few:
        priya.get(f"/approvals/batch/?{ids(asked[:1])}")
    with django_assert_max_num_queries(len(few) + 1):
        priya.get(f"/approvals/batch/?{ids(asked)}")


def test_v7_approvals_together_that_lack_a_step_up_are_kept_and_sent_after_it(cast, asked):
    ask_for(cast, "totp")
    priya = browser(cast, "priya")
    answer = priya.post("/approvals/batch/", sent(asked))
    assert answer.status_code == 302 and answer["Location"] == "/me/step-up/?next=%2Fresume%2F"
    assert not Verdict.objects.exists()
    kept = priya.get("/resume/").content.decode()
    assert all(request.digest in kept for request in asked) and "You had not proven who you are" in kept
    assert priya.post("/approvals/batch/", sent(asked, "reject", "Not now.")).status_code == 200
    assert Verdict.objects.filter(choice="reject").count() == 3, "a rejection never needs one"


def test_v7_what_a_passkey_signs_by_itself_is_in_no_batch(cast, asked):
    ask_for(cast, "passkey")
    page = browser(cast, "priya").post("/approvals/batch/", sent(asked)).content.decode()
    assert "None of these can be reviewed together" in page and not Verdict.objects.exists()


def test_what_was_unticked_is_still_unticked_when_a_problem_brings_the_page_back(cast, asked):
    """Otherwise a reason written on the second try decides what was left out on the first."""
    left, *taken = asked
    body = sent(asked, "reject") | {"id": [one.pk for one in taken]}
    page = browser(cast, "priya").post("/approvals/batch/", body).content.decode()
    assert all(f'value="{one.pk}" checked' in page for one in taken)
    assert f'value="{left.pk}">' in page and f'value="{left.pk}" checked' not in page


def test_f1_each_that_others_decided_first_says_by_whom_and_when(cast, asked):
    for one in asked[:2]:
        vote(cast, one, "ken", "reject", "Not these.")
    answer = browser(cast, "priya").post("/approvals/batch/", sent(asked[:2]))
    page = answer.content.decode()
    assert answer.status_code == 200 and "2 already decided" in page
    page = browser(cast, "priya").post("/approvals/batch/", sent(asked)).content.decode()
    assert "1 done, 2 already decided" in page and page.count("Already rejected by Ken Abe at") == 2


def test_one_whose_row_is_held_stops_no_other_and_is_told(transactional_db, cast, asked):
    """A lock that is not given in time ends that one item alone."""
    with row_held(asked[1].pk):
        page = browser(cast, "priya").post("/approvals/batch/", sent(asked)).content.decode()
    assert "2 done, 1 without an answer" in page and "Open it to see whether it was decided." in page
    assert [Verdict.objects.filter(request=one).count() for one in asked] == [1, 0, 1]
