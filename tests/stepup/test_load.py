"""Fatigue: what was shown when, how fast people approve, a nudge, a second approver, and prompts as a budget (A-09, T25)."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction

from accounts.clock import database_now
from actions import load
from actions.services import apply_verdict
from approvals.fatigue import Pace, pace
from approvals.models import ApprovalRequest, Opening, Verdict
from approvals.terms import set_terms, terms_of
from tests.approvals.routing import hired
from tests.builders import planned, request_of, vote
from tests.stepup.conftest import browser
from traces.models import Entry

REFUND = "desk.refund.create"


def given(cast, request_, first, *, dwell_ms, count=1, choice="approve", ago=timedelta(0), wants=False):
    """Verdicts as rows of their own payloads: what the page adds up."""
    for number in range(count):
        at = database_now() - ago
        opened = None if dwell_ms is None else at - timedelta(milliseconds=dwell_ms)
        Verdict.objects.create(
            request=request_, step=1, user=cast.user(first), choice=choice, digest=f"{first}{ago}{dwell_ms}{number}{choice}"[:80],
            void=True, opened_at=opened, dwell_ms=dwell_ms, wants_second=wants, at=at,
        )  # fmt: skip


def set_(cast, **changes):
    set_terms(actor=cast.actor("dana"), workspace=cast.northwind, terms=replace(terms_of(cast.northwind.pk), **changes))


def test_dwell_is_from_the_first_time_it_was_shown_to_the_verdict(cast, refund):
    client = browser(cast, "priya")
    client.get(f"/approvals/{refund.pk}/")
    Opening.objects.update(at=database_now() - timedelta(seconds=90))
    client.get(f"/approvals/{refund.pk}/")  # Opening it again does not start anew.
    client.post(f"/approvals/{refund.pk}/decide/", {"choice": "approve", "digest": refund.digest})
    verdict = Verdict.objects.get()
    assert 90_000 <= verdict.dwell_ms < 150_000
    entry = Entry.objects.filter(type="approval.verdict_recorded").latest("at").record["body"]
    assert entry["dwell_ms"] == verdict.dwell_ms and entry["opened_at"] is not None


def test_verdict_on_what_was_never_shown_says_so(cast, refund):
    browser(cast, "priya").post(f"/approvals/{refund.pk}/decide/", {"choice": "approve", "digest": refund.digest})
    assert Verdict.objects.get().dwell_ms is None
    assert load.approvers(cast.northwind, load.since("1"))[0].unopened == 1


def test_only_those_who_may_decide_open_it(cast, refund):
    for first in ("maya", "dana", "ava", "tomas", "priya"):
        browser(cast, first).get(f"/approvals/{refund.pk}/")
    assert [opening.user for opening in Opening.objects.all()] == [cast.user("priya")]


def test_table_counts_each_person(cast, refund):
    given(cast, refund, "priya", dwell_ms=1500, count=3)
    given(cast, refund, "priya", dwell_ms=9000, count=2, ago=timedelta(minutes=90))
    given(cast, refund, "priya", dwell_ms=4000, choice="reject")
    given(cast, refund, "ken", dwell_ms=None, count=2)
    given(cast, refund, "ken", dwell_ms=100, ago=timedelta(days=2))
    priya, ken = load.approvers(cast.northwind, load.since("1"))
    assert (priya.name, priya.verdicts, priya.approvals, priya.approve_share) == ("Priya Nair", 6, 5, 83)
    assert (priya.median_s, priya.fast, priya.unopened, priya.most_an_hour) == (1.5, 3, 0, 3)
    assert (ken.approvals, ken.median_s, ken.unopened, ken.fast) == (2, None, 2, 0)
    assert load.approvers(cast.lakeside, load.since("30")) == []


def test_most_within_an_hour_slides():
    base = datetime(2026, 1, 1, tzinfo=UTC)
    times = [base + timedelta(minutes=minute) for minute in (0, 59, 61, 100, 118, 121)]
    assert load.most_within_an_hour(times) == 4 and load.most_within_an_hour([]) == 0


@pytest.mark.parametrize(
    ("count", "dwell", "fast"), [(10, 4999, True), (9, 100, False), (10, 5000, False), (50, None, False)]
)
def test_nudge_is_for_many_and_fast(count, dwell, fast):
    assert Pace(count, dwell).is_fast == fast


@pytest.mark.parametrize(("opened", "unopened", "told"), [(0, 12, True), (5, 6, True), (6, 6, False), (0, 9, False)])
def test_who_approves_without_opening_is_told_so(cast, refund, opened, unopened, told):
    given(cast, refund, "priya", dwell_ms=60_000, count=opened)
    given(cast, refund, "priya", dwell_ms=None, count=unopened)
    words = f"You approved {opened + unopened} in the last hour, {unopened} of them without opening them."
    assert (words in browser(cast, "priya").get(f"/approvals/{refund.pk}/").content.decode()) == told


def test_review_page_tells_a_fast_person_and_nobody_else(cast, refund):
    given(cast, refund, "priya", dwell_ms=3000, count=14)
    assert pace(cast.user("priya"), cast.northwind.pk).approvals == 14
    words = "You approved 14 in the last hour, median 3 s."
    assert words in browser(cast, "priya").get(f"/approvals/{refund.pk}/").content.decode()
    assert "in the last hour" not in browser(cast, "ken").get(f"/approvals/{refund.pk}/").content.decode()


def test_approval_above_the_limit_needs_a_second_approver_of_the_same_step(cast, refund):
    set_(cast, second_above=3)
    given(cast, refund, "priya", dwell_ms=9000, count=3)
    vote(cast, refund, "priya")
    refund.refresh_from_db()
    assert refund.is_open and refund.step == 1
    entry = Entry.objects.filter(type="approval.verdict_recorded").latest("at").record["body"]
    assert entry["wants_second"] is True
    vote(cast, refund, "ken")
    refund.refresh_from_db()
    assert refund.step == 2
    vote(cast, refund, "tomas")
    apply_verdict(request_id=refund.pk)
    refund.refresh_from_db()
    assert refund.state == ApprovalRequest.State.APPROVED


def test_r24_accounts_of_one_human_are_counted_together(cast, refund):
    set_(cast, second_above=3)
    hired(cast, "two", "priya+two@northwind.example")
    given(cast, refund, "two", dwell_ms=9000, count=3)
    vote(cast, refund, "priya")
    assert refund.verdicts.get(void=False).wants_second


def test_approvals_at_the_same_moment_do_not_pass_the_limit(transactional_db, cast):
    """INVARIANT of approvals.fatigue."""
    first, second, third = (request_of(planned(cast), REFUND) for _ in range(3))
    set_(cast, second_above=2)
    vote(cast, first, "priya")

    def other():
        vote(cast, third, "priya")
        connections.close_all()

    at_once = threading.Thread(target=other)
    with transaction.atomic():
        vote(cast, second, "priya")
        at_once.start()
        at_once.join(timeout=2)
        assert at_once.is_alive()
    at_once.join()
    assert [one.verdicts.get().wants_second for one in (first, second, third)] == [False, False, True]


def test_approval_at_the_limit_needs_no_second(cast, refund):
    set_(cast, second_above=3)
    given(cast, refund, "priya", dwell_ms=9000, count=2)
    vote(cast, refund, "priya")
    refund.refresh_from_db()
    assert refund.step == 2


def test_prompts_per_100_actions_against_the_budget(cast, refund):
    row = load.agents(cast.northwind, load.since("1"), budget=20)[0]
    asked = ApprovalRequest.objects.filter(workspace=cast.northwind).count()
    assert row.prompts == asked and row.per_100 == round(100 * asked / row.actions, 1) and row.is_above
    assert not load.agents(cast.northwind, load.since("1"), budget=100)[0].is_above
    page = browser(cast, "ava").get("/approvals/load/").content.decode()
    assert "above budget" in page and "Whether they considered it, it cannot say" in page
    set_(cast, prompt_budget=100)
    assert "above budget" not in browser(cast, "ava").get("/approvals/load/").content.decode()


def terms(**changes):
    return {"step_up_floor": "none", "second_above": "", "prompt_budget": 20, "recheck_per_mille": 20} | changes


def test_only_an_owner_sets_the_terms_and_lowering_them_needs_a_proof(cast):
    for first, status in (("ava", 403), ("priya", 403), ("ken", 403), ("maya", 403), ("omar", 302)):
        answer = browser(cast, first).post("/approvals/load/terms/", terms(step_up_floor="totp"))
        assert answer.status_code == status, first
    assert terms_of(cast.northwind.pk).step_up_floor == "none"
    dana = browser(cast, "dana")
    assert dana.post("/approvals/load/terms/", terms(step_up_floor="totp"))["Location"] == "/approvals/load/"
    for weaker in (terms(), terms(step_up_floor="totp", recheck_per_mille=0)):
        assert dana.post("/approvals/load/terms/", weaker)["Location"].startswith("/me/step-up/")
    assert terms_of(cast.northwind.pk).step_up_floor == "totp"
