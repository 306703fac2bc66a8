"""Whose turn it is: nothing of a plan starts once a step of it stopped it, whatever process died on the way (F-07)."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.execution import run
from actions.models import Action, Plan
from actions.plans import Step, stop_if_broken, submit_plan
from actions.services import run_and_advance
from actions.states import State
from actions.sweep import sweep
from actions.turns import is_its_turn, next_to_run
from approvals.models import ApprovalRequest
from tests.actions.test_resume import note, notes
from tests.builders import opened, publish, sample_plain
from traces.models import Entry

TICKET, UPDATE, REFUND = "desk.ticket.update", "desk.account.update", "desk.refund.create"


def submitted(cast, *steps: dict) -> Plan:
    """Recorded and decided; nothing ran yet."""
    given = [Step(step["title"], step["tool"], step["arguments"]) for step in steps]
    return submit_plan(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), steps=given, sources=[])


@pytest.fixture
def plan(cast) -> Plan:
    return submitted(cast, note("88214", "two"), note("88301", "three"))


def put(plan: Plan, step: int, state: State, **columns) -> Action:
    """As a process that died right after this left it."""
    Action.objects.filter(plan=plan, step=step).update(state=state, **columns)
    return Action.objects.get(plan=plan, step=step)


def states(plan: Plan) -> list[str]:
    return list(plan.actions.order_by("step").values_list("state", flat=True))


def rung() -> int:
    return sweep().rung


@pytest.mark.parametrize("state", [State.DENIED, State.EXPIRED, State.BLOCKED, State.FAILED, State.WITHDRAWN])
def test_no_step_starts_of_a_plan_that_a_later_one_stopped_before_it_was_told(plan, desk, state):
    first = put(plan, 1, State.AUTHORIZED)
    put(plan, 2, state)
    assert not is_its_turn(first) and next_to_run(plan.pk) is None
    assert run(actor=system_actor("worker", plan.trace.workspace_id), action_id=first.pk) is State.AUTHORIZED
    assert rung() == 0 and states(plan)[0] == "cancelled" and notes(desk) == ["", ""]


def test_a_rejected_step_takes_only_those_after_it_along(cast, desk):
    plan = submitted(cast, note("88214", "two"), note("88301", "three"), note("88214", "four"))
    put(plan, 2, State.REJECTED)
    assert [is_its_turn(action) for action in plan.actions.order_by("step")] == [True, False, False]
    assert rung() == 1 and states(plan) == ["authorized", "rejected", "cancelled"]
    run_and_advance(actor=system_actor("worker", plan.trace.workspace_id), action_id=plan.actions.get(step=1).pk)
    assert states(plan)[0] == "succeeded" and notes(desk) == ["two", ""]


def told(plan: Plan) -> int:
    return Entry.objects.filter(trace=plan.trace, type="plan.stopped").count()


def test_a_plan_that_was_told_it_stopped_and_kept_its_steps_is_cancelled_by_the_sweeper(cast, desk):
    """The process died between the two."""
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    ask = {"title": "Note", "tool": UPDATE, "arguments": {"account_id": "acct_5521", "fields": {"owner_note": "a"}}}
    plan = submitted(cast, note("88214", "two"), note("88301", "three"), ask)
    put(plan, 1, State.FAILED)
    Plan.objects.filter(pk=plan.pk).update(stopped_at_step=1)
    sweep()
    assert states(plan) == ["failed", "cancelled", "withdrawn"] and notes(desk) == ["", ""]
    assert ApprovalRequest.objects.get(trace=plan.trace).state == "withdrawn" and told(plan) == 0


def test_a_step_that_comes_back_to_the_queue_after_its_plan_stopped_is_cancelled(plan, desk):
    first = put(plan, 1, State.CLAIMED, fence=1, lease_until=database_now() + timedelta(minutes=1))
    put(plan, 2, State.EXPIRED)
    stop_if_broken(actor=system_actor("sweeper", plan.trace.workspace_id), plan_id=plan.pk)
    assert states(plan) == ["claimed", "expired"] and told(plan) == 1
    put(plan, 1, State.CLAIMED, lease_until=database_now() - timedelta(minutes=1))
    assert rung() == 0 and states(plan) == ["cancelled", "expired"] and told(plan) == 1
    assert run(actor=system_actor("worker", plan.trace.workspace_id), action_id=first.pk) is State.CANCELLED
    assert notes(desk) == ["", ""]


def test_a_plan_names_the_step_that_was_refused_and_not_one_it_took_along(cast, desk):
    """The step before it is cancelled because of it: that is no stop of its own, neither at once nor for the sweeper."""
    plan = submitted(cast, note("88214", "two"), note("88301", "three"))
    put(plan, 1, State.AUTHORIZED)
    put(plan, 2, State.DENIED, detail="The desk is closed.")
    for _ in range(3):
        sweep()
    plan.refresh_from_db()
    assert states(plan) == ["cancelled", "denied"] and plan.stopped_at_step == 2
    told = [entry.record["body"] for entry in Entry.objects.filter(trace=plan.trace, type="plan.stopped")]
    assert [(one["step"], one["state"], one["detail"]) for one in told] == [(2, "denied", "The desk is closed.")]
    client = Client()
    client.force_login(cast.user("dana"), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/plans/{plan.pk}/").content.decode()
    assert "Stopped at step 2: denied. The desk is closed. Nothing after it ran." in page
    assert "Stopped at step 2: Denied. The desk is closed." in client.get(f"/traces/{plan.trace_id}/").content.decode()


def test_a_step_that_was_withdrawn_by_itself_still_stops_its_plan_where_it_is(cast, desk):
    plan = submitted(cast, note("88214", "two"), note("88301", "three"), note("88214", "four"))
    put(plan, 1, State.WITHDRAWN)
    put(plan, 3, State.REJECTED)
    for _ in range(2):
        sweep()
    plan.refresh_from_db()
    assert (plan.stopped_at_step, states(plan)) == (1, ["withdrawn", "cancelled", "rejected"])
