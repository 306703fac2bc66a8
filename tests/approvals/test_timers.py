"""When nobody decides: reminders and further people, on the database clock, each once, with its entry (R-27)."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import F

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import GroupMembership
from actions.sweep import sweep
from approvals.models import ApprovalRequest, FiredTimer
from approvals.refusals import NotEntitled
from approvals.services import expire_due
from approvals.timers import run_timers
from tests.approvals.routing import entries, waited
from tests.approvals.test_pages import browser
from tests.builders import action, planned, request_of, vote, work
from traces.ledger import verify

REFUND = "desk.refund.create"
SWEEPER = system_actor("sweeper", "")


def test_before_its_time_nothing_happens(cast, refund):
    waited(refund, 19)
    assert run_timers(actor=SWEEPER) == 0 and not FiredTimer.objects.exists()


def test_a_reminder_is_recorded_once_and_missed_ones_are_not_made_up_for(cast, refund):
    waited(refund, 21)
    assert run_timers(actor=SWEEPER) == 1 and run_timers(actor=SWEEPER) == 0
    ((_, told),) = entries(refund, "reminded")
    assert told["waiting"] == ["Support lead"] and told["number"] == 1
    waited(refund, 24)
    run_timers(actor=SWEEPER)
    assert [body["number"] for _, body in entries(refund, "reminded")] == [1, 2]


def test_after_thirty_minutes_managers_may_decide_too(cast, refund):
    with pytest.raises(NotEntitled, match="Step 1 is decided by Support lead"):
        vote(cast, refund, "sam")
    waited(refund, 31)
    swept = sweep()
    ((_, told),) = entries(refund, "escalated")
    assert swept.timed == 2 and told["to"] == "managers" and told["waiting"] == ["Support lead"]
    vote(cast, refund, "sam")
    refund.refresh_from_db()
    assert refund.is_open and refund.step == 2, "an escalation adds people; it takes no approval off"
    vote(cast, refund, "tomas")
    assert action(refund.trace, REFUND).state == "authorized" and verify(refund.trace).ok


def test_r24_separation_holds_for_the_people_who_are_added(cast, refund):
    waited(refund, 31)
    run_timers(actor=SWEEPER)
    for first, words in (("maya", "You asked"), ("dana", "You own"), ("ava", "needs the Reviewer role")):
        with pytest.raises(NotEntitled, match=words):
            vote(cast, refund, first)
    vote(cast, refund, "sam")
    with pytest.raises(NotEntitled, match="You approved step 1"):
        vote(cast, refund, "sam")


def test_r24_who_joins_the_added_group_afterwards_does_not_decide(cast, refund):
    waited(refund, 31)
    run_timers(actor=SWEEPER)
    GroupMembership.objects.filter(user=cast.user("sam")).update(joined_at=database_now())
    with pytest.raises(NotEntitled, match="joined Support lead after"):
        vote(cast, refund, "sam")


def test_what_an_added_person_approved_runs_and_is_void_once_that_person_left(cast, refund, desk):
    waited(refund, 31)
    run_timers(actor=SWEEPER)
    vote(cast, refund, "sam")
    vote(cast, refund, "tomas")
    with transaction.atomic():
        work(refund.trace)
        assert action(refund.trace, REFUND).state == "succeeded"
        transaction.set_rollback(True)
    desk.reset()
    GroupMembership.objects.filter(user=cast.user("sam"), group__slug="managers").delete()
    work(refund.trace)
    assert "Sam Boye may no longer approve" in action(refund.trace, REFUND).detail


def test_a_step_that_was_settled_in_time_escalates_no_more(cast, refund):
    refund.route["escalation"][0]["step"] = "Support lead"
    refund.save()
    vote(cast, refund, "priya")
    waited(refund, 31)
    run_timers(actor=SWEEPER)
    assert entries(refund, "escalated") == []
    refund.refresh_from_db()
    assert refund.next_timer_at is None or refund.next_timer_at > database_now()


def test_a_timer_happens_once_whatever_writes_it(cast, refund):
    waited(refund, 31)
    run_timers(actor=SWEEPER)
    with pytest.raises(IntegrityError), transaction.atomic():
        FiredTimer.objects.create(request=refund, kind="escalation", number=0, at=database_now())


def test_rail_says_when_it_escalates_and_that_it_did(cast, refund):
    due = refund.created_at + timedelta(minutes=30)
    page = browser(cast, "priya").get(f"/approvals/{refund.pk}/").content.decode()
    assert f"Escalates to Managers at {due:%H:%M} UTC" in page or f"Managers at {due:%-d %b %H:%M} UTC" in page
    waited(refund, 31)
    run_timers(actor=SWEEPER)
    page = browser(cast, "priya").get(f"/approvals/{refund.pk}/").content.decode()
    assert "Escalated to Managers" in page and "Escalates to" not in page and "or Sam Boye" in page
    assert "Reminded" in browser(cast, "priya").get(f"/traces/{refund.trace_id}/?tab=approvals").content.decode()


def test_r27_escalation_against_expiry_the_denial_stands(transactional_db, cast):
    found = request_of(planned(cast), REFUND)
    waited(found, 31)
    soon = database_now() + timedelta(milliseconds=60)
    ApprovalRequest.objects.filter(pk=found.pk).update(expires_at=soon, next_timer_at=F("created_at"))
    gate = threading.Barrier(2)

    def rounds(work):
        gate.wait()
        while database_now() < soon + timedelta(milliseconds=200):
            work(actor=SWEEPER)
        connections.close_all()

    threads = [threading.Thread(target=rounds, args=(work,)) for work in (run_timers, expire_due)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.refresh_from_db()
    (settled,) = [at for at, body in entries(found, "settled") if body["approval"] == found.pk]
    escalated = [at for at, _ in entries(found, "escalated")]
    assert found.state == "expired" and len(escalated) == FiredTimer.objects.filter(kind="escalation").count() <= 1
    assert all(at < settled for at in escalated)
