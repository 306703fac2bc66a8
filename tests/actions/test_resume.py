"""A stopped plan is tried again from the step that stopped, anew, and only what is proven to have had no effect (F-07)."""

import threading

import pytest
from django.db import connections

from actions.models import Action, Plan
from actions.resume import ResumeRefused, refusal, resume
from actions.states import State
from approvals.models import ApprovalRequest
from tests.actions.doubt import find_out, its_time_comes
from tests.builders import planned, publish, request_of, sample_plain, vote, work
from traces.ledger import verify
from traces.models import Entry, Trace
from traces.show import show

REFUND = "desk.refund.create"
READ = {"title": "Read", "tool": "desk.order.get", "arguments": {"order_id": "48213"}}


def note(number: str, text: str) -> dict:
    arguments = {"ticket_id": number, "fields": {"note": text}}
    return {"title": f"Ticket {number}", "tool": "desk.ticket.update", "arguments": arguments}


def notes(desk) -> list[str]:
    return [desk.read(f"/tickets/{number}")["note"] for number in ("88214", "88301")]


def states(plan: Plan) -> list[str]:
    return list(Action.objects.filter(plan=plan).order_by("step").values_list("state", flat=True))


def in_doubt(cast, desk) -> Trace:
    """The first step is done, the answer to the second is lost, the third waits for it."""
    desk.fault("500_before")
    return planned(cast, [READ, note("88214", "two"), note("88301", "three")])


def stop(cast, desk) -> Plan:
    """The same, and then the second is proven to have had no effect."""
    trace = in_doubt(cast, desk)
    doubtful = Action.objects.get(trace=trace, state=State.UNKNOWN)
    its_time_comes(doubtful)
    assert find_out(doubtful).state == "failed"
    plan = trace.plans.get()
    assert states(plan) == ["succeeded", "failed", "cancelled"]
    return plan


@pytest.fixture
def stopped(cast, desk) -> Plan:
    return stop(cast, desk)


class TestResume:
    def test_f07_it_goes_on_from_the_step_that_stopped_and_repeats_nothing_that_was_done(self, cast, desk, stopped):
        made = resume(actor=cast.actor("priya"), plan=stopped)
        work(made.trace)
        assert states(made) == ["succeeded", "succeeded"] and notes(desk) == ["two", "three"]
        pairs = Action.objects.filter(plan=made).order_by("step").values_list("replan_of__step", "step")
        assert list(pairs) == [(2, 4), (3, 5)] and made.resumes == stopped
        types = list(Entry.objects.filter(trace=made.trace).values_list("type", flat=True))
        assert types.count("plan.submitted") == 2 and "plan.resumed" in types and verify(made.trace).ok

    def test_f07_completed_steps_are_listed_where_it_stopped(self, stopped):
        told = Entry.objects.get(trace=stopped.trace, type="plan.stopped").record["body"]
        assert (told["step"], told["state"], [item["step"] for item in told["done"]]) == (2, "failed", [1])

    def test_the_trace_is_told_by_what_stands(self, cast, stopped):
        made = resume(actor=cast.actor("priya"), plan=stopped)
        work(made.trace)
        story, _ = show(made.trace, tab="")
        made.trace.refresh_from_db()
        assert story.outcome == made.trace.outcome == "completed" and story.title == made.trace.title
        assert [step["again"] for step in story.steps] == [None, 4, 5, None, None]

    def test_a_plan_that_goes_on_is_not_resumed(self, cast):
        plan = planned(cast).plans.get()
        with pytest.raises(ResumeRefused, match="has not stopped"):
            resume(actor=cast.actor("priya"), plan=plan)

    def test_a_resumed_plan_that_stops_is_resumed_in_turn(self, cast, desk, stopped):
        desk.fault("500_before")
        second = resume(actor=cast.actor("priya"), plan=stopped)
        doubtful = Action.objects.get(plan=second, state=State.UNKNOWN)
        its_time_comes(doubtful)
        find_out(doubtful)
        second.refresh_from_db()
        third = resume(actor=cast.actor("priya"), plan=second)
        work(third.trace)
        assert states(third) == ["succeeded", "succeeded"] and notes(desk) == ["two", "three"]


class TestNoEffectFirst:
    @pytest.mark.parametrize("state", [State.UNKNOWN, State.NEEDS_HUMAN])
    def test_a_step_in_doubt_is_not_tried_again(self, cast, desk, state):
        plan = in_doubt(cast, desk).plans.get()
        Action.objects.filter(plan=plan, state=State.UNKNOWN).update(state=state)
        Plan.objects.filter(pk=plan.pk).update(stopped_at_step=3)  # As when a later step was rejected meanwhile.
        plan.refresh_from_db()
        with pytest.raises(ResumeRefused, match="not known yet"):
            resume(actor=cast.actor("priya"), plan=plan)
        assert not Plan.objects.filter(resumes=plan).exists() and notes(desk) == ["", ""]

    @pytest.mark.parametrize("state", [State.DISPATCHING, State.CLAIMED, State.AUTHORIZED])
    def test_a_step_under_way_is_not_tried_again(self, stopped, state):
        Action.objects.filter(plan=stopped, step=3).update(state=state)
        assert "not come to rest" in refusal(stopped)

    @pytest.mark.parametrize(
        "state", ["denied", "rejected", "expired", "withdrawn", "stale", "cancelled", "blocked", "failed_attested"]
    )
    def test_every_end_without_effect_may_be_tried_again(self, stopped, state):
        Action.objects.filter(plan=stopped, step=2).update(state=state)
        assert refusal(stopped) == ""

    def test_what_was_asked_for_again_alone_is_not_tried_twice(self, stopped):
        step, other = Action.objects.get(plan=stopped, step=3), Action.objects.get(plan=stopped, step=1)
        Action.objects.filter(pk=other.pk).update(replan_of=step)
        assert "asked for again already" in refusal(stopped)


class TestDecidedAnew:
    def test_people_are_asked_again_and_the_old_verdicts_count_for_nothing(self, cast, desk):
        trace = planned(cast)
        first = request_of(trace, REFUND)
        vote(cast, first, "priya")
        vote(cast, first, "tomas", "reject", "Not this one.")
        made = resume(actor=cast.agent_actor, plan=trace.plans.get())
        again = ApprovalRequest.objects.get(action_id=Action.objects.get(plan=made, tool_name=REFUND).pk)
        assert states(made) == ["pending", "authorized", "pending"] and again.pk != first.pk
        assert again.is_open and not again.verdicts.exists() and desk.read("/orders/48213")["refunds"] == []
        vote(cast, again, "priya")
        vote(cast, again, "tomas")
        work(trace)
        assert states(made)[:2] == ["succeeded", "succeeded"] and len(desk.read("/orders/48213")["refunds"]) == 1

    def test_policy_is_asked_again(self, cast, desk, stopped):
        plain = sample_plain()
        plain["roles"]["refunds"]["tools"]["desk.ticket.update"] = {"mode": "off"}
        publish(cast, plain)
        made = resume(actor=cast.actor("priya"), plan=stopped)
        assert states(made) == ["denied", "denied"] and notes(desk) == ["", ""]


def test_it_is_resumed_once_however_many_ask(transactional_db, cast, desk):
    plan, ended = stop(cast, desk), []

    def ask() -> None:
        try:
            resume(actor=cast.actor("priya"), plan=plan)
            ended.append("resumed")
        except ResumeRefused as error:
            ended.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended.count("resumed") == 1 and len(ended) == 4 and Plan.objects.filter(resumes=plan).count() == 1
    assert notes(desk) == ["two", "three"]
