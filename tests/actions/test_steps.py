"""Actions of one trace are numbered one after the other, each once, also where they come at once; and not without end."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from actions import steps
from actions.models import Action, Plan
from actions.replan import ReplanRefused, replan
from actions.resume import ResumeRefused, resume
from actions.services import call_tool
from sample.agent.__main__ import STEPS
from tests.builders import opened, planned, work
from tests.gateway.mcp_client import call
from traces.ledger import verify
from traces.models import Entry, Trace

READ = STEPS[0]


def asked(cast, trace: Trace) -> Action:
    try:
        return call_tool(
            actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=READ["tool"], arguments=READ["arguments"]
        )
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_have_each_a_number_of_its_own_in_the_ledger_too(cast):
    trace = opened(cast)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: asked(cast, trace), range(4)))
    proposed = Entry.objects.filter(trace=trace, type="action.proposed").order_by("seq")
    assert sorted(one.step for one in made) == [1, 2, 3, 4] and verify(trace).ok
    assert [entry.record["body"]["step"] for entry in proposed] == [1, 2, 3, 4]


@pytest.fixture
def full(cast, monkeypatch) -> Trace:
    """A trace that holds as many actions as one may."""
    trace = planned(cast)
    monkeypatch.setattr(steps, "MOST_STEPS", trace.actions.count())
    return trace


def refusals(cast) -> list[dict]:
    found = Entry.objects.filter(trace__agent=cast.agent, trace__kind=Trace.Kind.REFUSALS, type="trace.refused")
    return [entry.record["body"] for entry in found.order_by("seq")]


def post(cast, path: str, body: dict):
    return Client().post(f"/api/v1/{path}", body, "application/json", headers={"Authorization": f"Bearer {cast.token}"})


def test_a_full_trace_takes_no_call_and_no_plan_over_rest(cast, full):
    before = full.actions.count()
    one = post(cast, "tool-calls", {"trace_id": full.pk, "tool": READ["tool"], "arguments": READ["arguments"]})
    plan = post(
        cast, f"traces/{full.pk}/plan", {"steps": [{name: READ[name] for name in ("title", "tool", "arguments")}]}
    )
    for answer in (one, plan):
        told = answer.json()
        assert answer.status_code == 409 and told["type"].endswith("trace-full") and told["trace_id"] == full.pk
        assert f"at most {before} actions" in told["detail"] and "Open another trace" in told["detail"]
    assert full.actions.count() == before and Plan.objects.filter(trace=full).count() == 1
    assert [body["title"] for body in refusals(cast)] == ["The trace takes no more actions"] * 2


def test_a_full_trace_is_a_tools_error_over_mcp_and_another_trace_takes_the_call(cast, full):
    told = call(READ["tool"], READ["arguments"], cast.token, meta={"remit/trace_id": full.pk})
    facts = told["structuredContent"]
    assert told["isError"] and (facts["decision"], facts["trace_id"]) == ("refused", full.pk)
    assert "Open another trace" in facts["message"] and len(refusals(cast)) == 1
    other = call(READ["tool"], READ["arguments"], cast.token, meta={"remit/intent": "Something else."})
    assert other["structuredContent"]["decision"] == "executed" and other["structuredContent"]["trace_id"] != full.pk


def test_nor_is_anything_of_it_asked_for_again(cast, full):
    dana, plan = cast.user("dana"), Plan.objects.get(trace=full)
    last = full.actions.order_by("step").last()
    Action.objects.filter(pk=last.pk).update(state="blocked", drift=[{"what": "It moved."}])
    with pytest.raises(ReplanRefused, match="Open another trace"):
        replan(actor=cast.actor("dana"), user=dana, action=Action.objects.get(pk=last.pk))
    Action.objects.filter(plan=plan).exclude(pk=last.pk).update(state="succeeded")
    Plan.objects.filter(pk=plan.pk).update(stopped_at_step=last.step)
    with pytest.raises(ResumeRefused, match="Open another trace"):
        resume(actor=cast.agent_actor, plan=Plan.objects.get(pk=plan.pk))
    work(full)
    assert full.actions.count() == last.step
