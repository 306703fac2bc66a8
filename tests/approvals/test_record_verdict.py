"""Verdicts: bound to what was shown, by the right people, once (P4, R-24, B-05)."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import Group, GroupMembership
from accounts.services import leave_group
from approvals.models import ApprovalRequest, Verdict
from approvals.refusals import AlreadyDecided, DigestChanged, NotEntitled, ReasonNeeded
from approvals.services import expire_due
from tests.builders import action, planned, request_of, vote, work

REFUND = "desk.refund.create"


@pytest.fixture
def trace(cast):
    return planned(cast)


@pytest.fixture
def request_(trace):
    return request_of(trace, REFUND)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("maya", "You asked for this"),
        ("dana", "You own this agent"),
        ("ava", "needs the Reviewer role"),
        ("tomas", "Step 1 is decided by Support lead"),
        ("omar", "needs the Reviewer role"),
    ],
)
def test_t10_who_may_not_approve_step_one(cast, request_, first, words):
    with pytest.raises(NotEntitled, match=words):
        vote(cast, request_, first)
    assert not Verdict.objects.exists()


def test_r24_one_person_cannot_fill_two_steps(cast, request_):
    group = Group.objects.get(workspace=cast.northwind, slug="finance")
    GroupMembership.objects.create(group=group, user=cast.user("priya"), joined_at=request_.created_at - timedelta(1))
    vote(cast, request_, "priya")
    with pytest.raises(NotEntitled, match="You approved step 1"):
        vote(cast, request_, "priya")


def test_r24_late_joiner_of_the_group_may_not_decide(cast, request_):
    group = Group.objects.get(workspace=cast.northwind, slug="support-leads")
    GroupMembership.objects.create(group=group, user=cast.user("tomas"), joined_at=database_now())
    with pytest.raises(NotEntitled, match="joined Support lead after"):
        vote(cast, request_, "tomas")


def test_p4_verdict_on_another_digest_is_refused(cast, request_):
    with pytest.raises(DigestChanged):
        vote(cast, request_, "priya", digest="sha256:" + "0" * 64)
    request_.refresh_from_db()
    assert request_.is_open and request_.step == 1


def test_rejection_needs_a_reason(cast, request_):
    with pytest.raises(ReasonNeeded):
        vote(cast, request_, "priya", "reject", "  ")


def test_two_steps_by_two_people_authorize(cast, trace, request_):
    vote(cast, request_, "priya")
    assert action(trace, REFUND).state == "pending"
    vote(cast, request_, "tomas")
    assert action(trace, REFUND).state == "authorized"


def test_second_decision_says_who_was_first(cast, request_):
    vote(cast, request_, "ken", "reject", "Not a duplicate.")
    with pytest.raises(AlreadyDecided, match="Already rejected by Ken Abe at"):
        vote(cast, request_, "priya")


def test_b05_timeout_is_a_denial(cast, trace, request_):
    ApprovalRequest.objects.filter(pk=request_.pk).update(expires_at=database_now() - timedelta(seconds=1))
    with pytest.raises(AlreadyDecided, match="expired"):
        vote(cast, request_, "priya")
    assert expire_due(actor=system_actor("sweeper", "")) == 1
    request_.refresh_from_db()
    assert request_.state == "expired"


def test_f16_approver_who_left_the_group_before_dispatch_voids_the_vote(cast, trace, request_, desk):
    vote(cast, request_, "priya")
    vote(cast, request_, "tomas")
    group = Group.objects.get(workspace=cast.northwind, slug="finance")
    leave_group(actor=cast.actor("dana"), group=group, user=cast.user("tomas"))
    work(trace)
    blocked = action(trace, REFUND)
    assert blocked.state == "blocked" and "Tomás Ruiz may no longer approve" in blocked.detail
    assert desk.read("/orders/48213")["refunds"] == []


def test_first_writer_wins_under_concurrency(transactional_db, cast, desk):
    found = request_of(planned(cast), REFUND)
    results, gate = [], threading.Barrier(2)

    def decide(first, choice):
        gate.wait()
        try:
            vote(cast, ApprovalRequest.objects.get(pk=found.pk), first, choice, "Reason.")
            results.append("recorded")
        except (AlreadyDecided, NotEntitled):
            results.append("refused")
        connections.close_all()

    people = [("priya", "reject"), ("ken", "reject")]
    threads = [threading.Thread(target=decide, args=pair) for pair in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["recorded", "refused"] and Verdict.objects.count() == 1
