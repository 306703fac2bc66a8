"""Out of office: a delegate decides what the person away could, never their own, never twice, while it holds (T10, R-24)."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import F

from accounts.access import NotVisible
from accounts.clock import database_now
from accounts.models import Delegation
from accounts.permissions import Role
from accounts.services import add_member, leave_group
from approvals.delegations import (
    DelegationRefused,
    delegates_for,
    get_delegation_for,
    name_delegate,
    revoke_delegation,
    stays_with,
)
from approvals.models import Verdict
from approvals.rail import rail
from approvals.refusals import NotEntitled
from approvals.statement import broken
from tests.approvals.routing import entries, hired, into, routed
from tests.approvals.test_pages import browser
from tests.builders import action, planned, request_of, vote, work
from traces.models import Entry
from traces.show import show

REFUND = "desk.refund.create"


def away(cast, first, delegate, *, start=timedelta(0), days=3.0):
    now = database_now()
    return name_delegate(
        actor=cast.actor(first), user=cast.user(first), workspace=cast.northwind, delegate=cast.user(delegate).email,
        starts_at=now + start, ends_at=now + start + timedelta(days=days),
    )  # fmt: skip


@pytest.fixture
def stand_in(cast):
    """Vera is a reviewer of no group, and stands in for Tomás of Finance."""
    hired(cast, "vera")
    return away(cast, "tomas", "vera")


@pytest.fixture
def refund(cast, stand_in):
    found = request_of(planned(cast), REFUND)
    vote(cast, found, "priya")
    return found


def told(cast, kind):
    return [e.record["body"] for e in Entry.objects.filter(trace__workspace=cast.northwind, type=f"delegation.{kind}")]


def test_a_delegate_decides_and_both_names_stand_at_the_step_in_the_ledger_and_in_show_work(cast, refund, desk):
    until = Delegation.objects.get().ends_at
    line = next(line for line in rail(refund) if line.title.startswith("Step 2"))
    assert line.detail == f"Vera for Tomás Ruiz, away until {until:%-d %b %H:%M} UTC"
    page = browser(cast, "vera").get(f"/approvals/{refund.pk}/").content.decode()
    assert "You decide this for Tomás Ruiz, away until" in page
    vote(cast, refund, "vera")
    refund.refresh_from_db()
    given = refund.verdicts.get(user=cast.user("vera"))
    said = given.signed["statement"]
    assert refund.state == "approved" and broken(given, refund, refund.bound) == ""
    assert (said["approver"], said["for"]) == (cast.user("vera").pk, cast.user("tomas").pk)
    body = entries(refund, "verdict_recorded")[-1][1]
    assert body["for"]["name"] == "Tomás Ruiz" and body["for"]["delegation"] == said["delegation"]
    work(refund.trace)
    assert action(refund.trace, REFUND).state == "succeeded"
    story, _ = show(refund.trace, tab="approvals")
    assert "Vera for Tomás Ruiz" in {row["who"] for row in story.escalations}


def test_a_verdict_moved_to_another_right_proves_nothing(cast, refund):
    vote(cast, refund, "vera")
    Verdict.objects.filter(user=cast.user("vera")).update(delegation=None)
    given = Verdict.objects.get(user=cast.user("vera"))
    assert broken(given, refund, refund.bound) == "it was given for something else"
    work(refund.trace)
    assert action(refund.trace, REFUND).state == "blocked"


def test_r24_the_person_and_the_delegate_are_one_human(cast, refund):
    found = routed(refund, steps=[{"name": "Finance", "group": "finance", "quorum": 2}])
    found.verdicts.update(void=True)
    vote(cast, found, "vera")
    with pytest.raises(NotEntitled, match="Vera, for you, approved step 1"):
        vote(cast, found, "tomas")
    found.refresh_from_db()
    assert found.is_open


@pytest.mark.parametrize("delegate", ["maya", "dana", "vera"])
def test_r24_never_what_is_the_delegates_own_nor_what_the_person_could_not_decide(cast, delegate):
    """Requester, agent's owner; and a reviewer for somebody who is the agent's owner."""
    hired(cast, "vera")
    for first in ("maya", "dana"):
        add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user(first), role=Role.REVIEWER)
    into_leads = "dana" if delegate == "vera" else "ken"
    found_before = planned(cast)
    into(cast, into_leads, "support-leads", joined=database_now() - timedelta(days=1))
    away(cast, into_leads, delegate)
    found = request_of(planned(cast), REFUND)
    assert found.trace_id != found_before.pk
    with pytest.raises(NotEntitled):
        vote(cast, found, delegate)
    assert not Verdict.objects.exists()


def test_r24_a_delegate_named_after_it_was_asked_does_not_decide_it(cast):
    hired(cast, "vera")
    found = request_of(planned(cast), REFUND)
    away(cast, "priya", "vera")
    with pytest.raises(NotEntitled):
        vote(cast, found, "vera")


def test_r24_the_page_counts_what_waits_already_and_stays(cast):
    found = request_of(planned(cast), REFUND)

    def counted():
        return [stays_with(cast.user(first), cast.northwind).count for first in ("priya", "tomas")]

    before = counted()
    page = browser(cast, "priya").get("/me/away/").content.decode()
    assert f"{before[0]} requests wait for you now and stay with you, the first due" in page
    assert "waits for you now" not in browser(cast, "ava").get("/me/away/").content.decode()
    vote(cast, found, "priya")
    assert counted() == [before[0] - 1, before[1] + 1], "the next step is his from now on"


def test_r24_named_ahead_what_is_asked_until_the_absence_begins_goes_over_then(cast):
    hired(cast, "vera")
    made = away(cast, "priya", "vera", start=timedelta(days=2))
    found = request_of(planned(cast), REFUND)
    with pytest.raises(NotEntitled), transaction.atomic():
        vote(cast, found, "vera")
    Delegation.objects.filter(pk=made.pk).update(starts_at=database_now())
    vote(cast, found, "vera")


def test_it_begins_ends_and_follows_the_persons_groups_by_itself(cast, refund, stand_in):
    for moved in ({"starts_at": F("starts_at") + timedelta(hours=1)}, {"ends_at": database_now()}):
        with transaction.atomic():
            Delegation.objects.update(**moved)
            with pytest.raises(NotEntitled), transaction.atomic():
                vote(cast, refund, "vera")
            transaction.set_rollback(True)
    with transaction.atomic():
        leave_group(
            actor=cast.actor("dana"), group=cast.user("tomas").approver_groups.get().group, user=cast.user("tomas")
        )
        with pytest.raises(NotEntitled), transaction.atomic():
            vote(cast, refund, "vera")
        transaction.set_rollback(True)
    vote(cast, refund, "vera")


@pytest.mark.parametrize(("how", "state"), [("revoked", "blocked"), ("ended", "succeeded")])
def test_a_vote_stands_after_the_absence_and_falls_when_it_is_taken_back(cast, refund, stand_in, how, state, desk):
    vote(cast, refund, "vera")
    if how == "revoked":
        revoke_delegation(actor=cast.actor("tomas"), user=cast.user("tomas"), delegation=stand_in)
    else:
        Delegation.objects.update(ends_at=database_now())
    work(refund.trace)
    found = action(refund.trace, REFUND)
    assert found.state == state
    assert len(desk.read("/orders/48213")["refunds"]) == (how == "ended")
    assert how == "ended" or "Vera for Tomás Ruiz may no longer approve" in found.detail


def test_taken_back_it_counts_no_more_at_once_and_once_in_the_ledger(cast, refund, stand_in):
    for _ in range(2):
        revoke_delegation(actor=cast.actor("vera"), user=cast.user("vera"), delegation=stand_in)
    with pytest.raises(NotEntitled):
        vote(cast, refund, "vera")
    assert len(told(cast, "made")) == len(told(cast, "revoked")) == 1
    other = away(cast, "tomas", "vera")
    with pytest.raises(NotVisible):
        revoke_delegation(actor=cast.actor("priya"), user=cast.user("priya"), delegation=other)
    with pytest.raises(NotVisible):
        get_delegation_for(cast.user("priya"), cast.northwind, other.pk)
    assert get_delegation_for(cast.user("dana"), cast.northwind, other.pk) == other


@pytest.mark.parametrize(
    ("person", "delegate", "days", "words"),
    [
        ("vera", "ken", 1, "cannot be passed on"),
        ("priya", "tomas", 1, "is away for part"),
        ("tomas", "ken", 1, "already"),
        ("priya", "maya", 1, "no reviewer"),
        ("maya", "ken", 1, "decide nothing"),
        ("priya", "omar", 1, "no active person"),
        ("priya", "priya", 1, "account of your own"),
        ("priya", "twin", 1, "account of your own"),
        ("priya", "ken", -1, "later than"),
        ("priya", "ken", 61, "At most 60 days"),
    ],
)
def test_no_chains_no_second_delegate_nobody_unfit(cast, stand_in, person, delegate, days, words):
    hired(cast, "twin", "priya+two@northwind.example")
    with pytest.raises(DelegationRefused, match=words), transaction.atomic():
        away(cast, person, delegate, days=days)
    assert Delegation.objects.get() == stand_in


def test_nobody_is_named_in_somebody_elses_name(cast):
    now = database_now()
    with pytest.raises(DelegationRefused, match="signed in"):
        name_delegate(actor=cast.actor("ken"), user=cast.user("priya"), workspace=cast.northwind, delegate="tomas@x",
                      starts_at=now, ends_at=now + timedelta(days=1))  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Delegation.objects.create(workspace=cast.northwind, person=cast.user("ken"), delegate=cast.user("ken"),
                                  starts_at=now, ends_at=now + timedelta(days=1), created_at=now)  # fmt: skip
    assert cast.user("omar") not in delegates_for(cast.user("priya"), cast.northwind)


def test_the_page_names_and_takes_back(cast):
    client, now = browser(cast, "tomas"), database_now()
    sent = {"delegate": "ken@northwind.example", "starts_at": f"{now:%Y-%m-%dT%H:%M}",
            "ends_at": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}", "note": "Leave"}  # fmt: skip
    bad = client.post("/me/away/", {**sent, "ends_at": sent["starts_at"]})
    assert bad.status_code == 422 and "later than its start" in bad.content.decode()
    assert client.post("/me/away/", sent).status_code == 302
    page = client.get("/me/away/").content.decode()
    made = Delegation.objects.get()
    assert "Ken Abe for Tomás Ruiz" in page and made.ends_at > now and (made.note, made.revoked_at) == ("Leave", None)
    assert client.post(f"/me/away/{made.pk}/revoke/").status_code == 302
    assert "taken back" in client.get("/me/away/").content.decode()


def test_two_at_once_make_no_chain(transactional_db, cast):
    results, gate = [], threading.Barrier(2)

    def name(first, delegate):
        gate.wait()
        try:
            away(cast, first, delegate)
            results.append("made")
        except DelegationRefused:
            results.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=name, args=pair) for pair in (("priya", "ken"), ("ken", "tomas"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["made", "refused"] and Delegation.objects.count() == 1
