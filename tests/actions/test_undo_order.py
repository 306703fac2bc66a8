"""A plan and its rollback keep out of each other's way: no step runs on what was undone (P10, F-07)."""

import pytest

from actions.bulk import ContinueRefused
from actions.models import Action, Plan, Rollback
from actions.resume import ResumeRefused, resume
from actions.rollback import RollbackRefused
from actions.states import State
from approvals.models import ApprovalRequest
from tests.actions.test_bulk import NUMBERS, bulk_plan, let_run
from tests.actions.test_bulk import notes as bulk_notes
from tests.actions.test_resume import note, notes
from tests.actions.undoing import UPDATE, undo
from tests.builders import planned, publish, sample_plain, vote, work

LATER = {"title": "Later", "tool": UPDATE, "arguments": {"account_id": "acct_5521", "fields": {"owner_note": "later"}}}


@pytest.fixture
def waiting(cast) -> Plan:
    """The first step changed a ticket; the second waits for people."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    return planned(cast, [note("88214", "two"), LATER]).plans.get()


def step(plan: Plan, number: int) -> Action:
    return Action.objects.get(plan=plan, step=number)


def test_nothing_is_undone_under_a_step_that_waits_for_people_until_they_reject_it(cast, desk, waiting):
    with pytest.raises(RollbackRefused, match="Step 2 of its plan waits for people"):
        undo(cast, step(waiting, 1))
    assert notes(desk)[0] == "two" and not Rollback.objects.exists()
    vote(cast, ApprovalRequest.objects.get(action_id=step(waiting, 2).pk), "ken", "reject", "Not this one.")
    assert undo(cast, step(waiting, 1)).state == "succeeded" and notes(desk)[0] == ""


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.AUTHORIZED, "may still run"),
        (State.CLAIMED, "may still run"),
        (State.DISPATCHING, "may still run"),
        (State.UNKNOWN, "not known yet"),
        (State.NEEDS_HUMAN, "not known yet"),
    ],
)
def test_nothing_is_undone_under_a_step_that_may_still_take_effect(cast, desk, waiting, state, words):
    Action.objects.filter(pk=step(waiting, 2).pk).update(state=state)
    with pytest.raises(RollbackRefused, match=f"step 2 of its plan.*{words}|Step 2 of its plan.*{words}"):
        undo(cast, step(waiting, 1))
    assert notes(desk)[0] == "two"


def test_a_plan_whose_done_step_was_undone_is_not_resumed(cast, desk, waiting):
    vote(cast, ApprovalRequest.objects.get(action_id=step(waiting, 2).pk), "ken", "reject", "Not this one.")
    undo(cast, step(waiting, 1))
    waiting.refresh_from_db()
    with pytest.raises(ResumeRefused, match="Step 1 was rolled back"):
        resume(actor=cast.actor("priya"), plan=waiting)
    assert not Plan.objects.filter(resumes=waiting).exists()


def test_a_plan_is_not_resumed_while_a_rollback_of_its_done_step_waits(cast, desk, waiting):
    vote(cast, ApprovalRequest.objects.get(action_id=step(waiting, 2).pk), "ken", "reject", "Not this one.")
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"]["desk.ticket.update"] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    assert undo(cast, step(waiting, 1)).state == "pending"
    waiting.refresh_from_db()
    with pytest.raises(ResumeRefused, match="Step 1 was rolled back, or is about to be"):
        resume(actor=cast.actor("priya"), plan=waiting)


def test_a_plan_that_goes_on_from_it_holds_the_rollback_too(cast, desk, waiting):
    vote(cast, ApprovalRequest.objects.get(action_id=step(waiting, 2).pk), "ken", "reject", "Not this one.")
    waiting.refresh_from_db()
    made = resume(actor=cast.actor("priya"), plan=waiting)
    with pytest.raises(RollbackRefused, match="Step 3 of its plan waits for people"):
        undo(cast, step(waiting, 1))
    vote(cast, ApprovalRequest.objects.get(action_id=step(made, 3).pk), "ken", "reject", "Nor this one.")
    undo(cast, step(waiting, 1))
    made.refresh_from_db()
    with pytest.raises(ResumeRefused, match="Step 1 was rolled back"):
        resume(actor=cast.actor("priya"), plan=made)


def test_the_first_ones_of_a_bulk_step_can_be_undone_and_then_nobody_lets_the_rest_run(cast, desk):
    plan = bulk_plan(cast)
    undo(cast, step(plan, 1))
    with pytest.raises(ContinueRefused, match="Step 1 was rolled back"):
        let_run(cast, plan)
    work(plan.trace)
    assert bulk_notes(desk) == ["", *["checked"] * 4, *[""] * (len(NUMBERS) - 5)]
