"""Alone: separation is lifted, said and signed; one seat, the agent and late rights are not (B-03, R-24, R-25)."""

import re

import pytest
from django.db import transaction

from accounts.models import Membership
from accounts.permissions import Role
from accounts.services import add_member
from accounts.single import turn_off, turn_on
from actions.edit import edit_payload
from actions.plans import Step
from actions.services import start_plan
from actions.sweep import sweep
from approvals.break_glass import why_not
from approvals.models import Verdict
from approvals.people import person_in
from approvals.rail import rail
from approvals.refusals import NotEntitled
from approvals.services import record_verdict
from approvals.standing import no_longer
from approvals.statement import broken
from sample.agent.__main__ import SOURCES, STEPS
from tests.approvals.routing import entries, left_alone
from tests.approvals.test_pages import browser
from tests.builders import action, opened, publish, request_of, sample_plain, vote, work
from traces.models import Entry
from traces.show import show
from verify.remit_verify import Bad, check_verdicts

REFUND = "desk.refund.create"
WHY = "I am the only person of this team."


@pytest.fixture
def solo(cast):
    """Dana is alone: owner, reviewer, in every group, owner of the agent; refunds ask one support lead."""
    asks(cast, 1)
    left_alone(cast)
    return cast


def asks(cast, quorum):
    """Refunds ask so many support leads; the ship gate wants two for money, so fewer is waived."""
    plain = sample_plain()
    plain["routes"]["refund"]["steps"] = [{"name": "Support lead", "group": "support-leads", "quorum": quorum}]
    publish(cast, plain)


def on(cast):
    return turn_on(actor=cast.actor("dana"), user=cast.user("dana"), workspace=cast.northwind, reason=WHY)


def asked(cast):
    """A refund that Dana asked of her own agent."""
    trace = opened(cast, asker="dana")
    steps = [Step(step["title"], step["tool"], step["arguments"]) for step in STEPS]
    start_plan(actor=cast.agent_actor, agent=cast.agent, trace=trace, steps=steps, sources=SOURCES)
    return request_of(trace, REFUND)


def test_b03_what_she_asked_for_herself_runs_and_says_so_everywhere(solo, desk):
    mode = on(solo)
    found = asked(solo)
    page = browser(solo, "dana").get(f"/approvals/{found.pk}/").content.decode()
    assert "single-operator mode is on. Your verdict says so" in page
    vote(solo, found, "dana")
    found.refresh_from_db()
    given = found.verdicts.get()
    assert found.state == "approved" and given.signed["statement"]["single_operator"] == mode.pk
    assert (
        broken(given, found, found.bound) == ""
        and entries(found, "verdict_recorded")[-1][1]["single_operator"] == mode.pk
    )
    assert any("Dana Ortiz in single-operator mode approved" in line.detail for line in rail(found))
    work(found.trace)
    assert action(found.trace, REFUND).state == "succeeded" and len(desk.read("/orders/48213")["refunds"]) == 1
    story, _ = show(found.trace, tab="approvals")
    assert "Dana Ortiz in single-operator mode" in {row["who"] for row in story.escalations}
    assert "was approved by Dana Ortiz in single-operator mode." in " ".join(line.sentence for line in story.brief)


def test_r24_without_it_or_asked_before_it_nothing_is_lifted(solo):
    found = asked(solo)
    for _ in range(2):
        with pytest.raises(NotEntitled, match="someone else decides"), transaction.atomic():
            vote(solo, found, "dana")
        on(solo)
    page = browser(solo, "dana").get("/people/single-operator/").content.decode()
    assert "asked before it was turned on" in page and not Verdict.objects.exists()


def test_whoever_edited_decides_it_too(solo):
    on(solo)
    found = asked(solo)
    edit_payload(actor=solo.actor("dana"), editor=solo.user("dana"), request_id=found.pk, digest=found.digest,
                 values={"reason": "fraudulent"})  # fmt: skip
    vote(solo, found, "dana")
    found.refresh_from_db()
    assert found.state == "approved" and found.verdicts.get(void=False).single is not None


def test_r24_one_human_one_seat_a_quorum_of_two_stays_out_of_reach_and_the_page_says_so(solo):
    asks(solo, 2)
    on(solo)
    found = asked(solo)
    vote(solo, found, "dana")
    with pytest.raises(NotEntitled, match="You approved step 1"):
        vote(solo, found, "dana")
    found.refresh_from_db()
    assert found.is_open
    page = browser(solo, "dana").get("/people/single-operator/").content.decode()
    assert "It asks 2 different people." in page and "Give a second person a role" in page


def test_r24_never_the_agent_nor_in_anybody_elses_name(solo):
    on(solo)
    found = asked(solo)
    for actor in (solo.agent_actor, solo.actor("priya")):
        with pytest.raises(NotEntitled, match="signed in"), transaction.atomic():
            record_verdict(actor=actor, user=solo.user("dana"), request_id=found.pk, choice="approve", reason="",
                           digest=found.digest)  # fmt: skip


def test_it_lifts_no_emergency(solo):
    on(solo)
    found = asked(solo)
    assert "You asked for this" in why_not(found, person_in(solo.user("dana"), solo.northwind))


@pytest.mark.parametrize("how", ["joined", "written beside the services", "turned off"])
def test_r24_its_end_voids_what_has_not_run(solo, desk, how):
    on(solo)
    found = asked(solo)
    vote(solo, found, "dana")
    found.refresh_from_db()
    assert no_longer(found, found.digest) == ""
    if how == "joined":
        add_member(actor=solo.actor("dana"), workspace=solo.northwind, user=solo.user("maya"), role=Role.MEMBER)
    elif how == "turned off":
        turn_off(actor=solo.actor("dana"), workspace=solo.northwind)
    else:
        Membership.objects.create(user=solo.user("maya"), workspace=solo.northwind, role="member")
    work(found.trace)
    ended = action(found.trace, REFUND)
    assert ended.state == "blocked" and "Dana Ortiz in single-operator mode may no longer approve" in ended.detail
    assert desk.read("/orders/48213")["refunds"] == []
    sweep()
    assert Entry.objects.filter(trace__workspace=solo.northwind, type="single_operator.off").count() == 1


def test_a_new_mode_does_not_revive_what_an_earlier_one_let_through(solo):
    on(solo)
    found = asked(solo)
    vote(solo, found, "dana")
    turn_off(actor=solo.actor("dana"), workspace=solo.northwind)
    on(solo)
    found.refresh_from_db()
    assert "may no longer approve" in no_longer(found, found.digest)


@pytest.mark.parametrize("forged", ["taken away", "another"])
def test_r25_a_verdict_moved_into_or_out_of_the_mode_proves_nothing(solo, forged):
    mode = on(solo)
    found = asked(solo)
    vote(solo, found, "dana")
    if forged == "another":
        turn_off(actor=solo.actor("dana"), workspace=solo.northwind)
    Verdict.objects.update(single=on(solo) if forged == "another" else None)
    given = Verdict.objects.get()
    assert (given.single_id != mode.pk) and broken(given, found, found.bound) == "it was given for something else"
    work(found.trace)
    assert action(found.trace, REFUND).state == "blocked"


def test_r25_a_stranger_checks_that_it_was_given_alone(solo):
    on(solo)
    vote(solo, asked(solo), "dana")
    records = [(solo.northwind.pk, entry.canonical, entry.hash) for entry in Entry.objects.order_by("trace_id", "seq")]
    check_verdicts(records, whole=True)
    # Of the record, not of the statement that was signed.
    said = r'"single_operator":"sop_\w+","step":(\d+),"step_name"'
    unsaid = r'"single_operator":null,"step":\1,"step_name"'
    hidden = [(one, re.sub(said, unsaid, text), stored) for one, text, stored in records]
    assert hidden != records
    with pytest.raises(Bad, match="something else than the record"):
        check_verdicts(hidden, whole=True)


def test_home_trust_and_the_audit_log_say_it(solo):
    on(solo)
    client = browser(solo, "dana")
    for path, words in (("/", "Single-operator mode is on since"), ("/trust/", "Single-operator mode is on"),
                        ("/audit/?did=single_operator", "Single-operator mode turned on")):  # fmt: skip
        assert words in client.get(path).content.decode(), path
