"""An answer to a reviewer's question: denied, it uses nothing up; over MCP it is what it is in REST (P4, B-05, M-05)."""

import pytest

from accounts.clock import database_now
from actions.models import Action
from actions.withdraw import withdraw
from approvals.models import ApprovalRequest
from approvals.rail import rail
from policies.models import LimitHold
from tests.approvals.routing import entries
from tests.approvals.test_questions import ASKED, REFUND, answer, ask, request_, trace  # noqa: F401 - fixtures
from tests.builders import vote, work
from tests.gateway.mcp_client import PAGES, TASKS, call, modern, task
from tests.gateway.test_mcp import facts
from tests.gateway.test_rest import get, post
from traces.show import show

TOO_MUCH = {**REFUND["arguments"], "amount": 10_000_000}
CHANGED = {**REFUND["arguments"], "reason": "requested_by_customer"}


def held(action_id):
    return list(LimitHold.objects.filter(action_id=action_id).values_list("key", "state", "amount").order_by("key"))


def test_an_answer_that_policy_denies_leaves_question_request_and_money_as_they_were(cast, trace, request_):  # noqa: F811
    ask(cast, request_)
    asked = Action.objects.get(pk=request_.action_id)
    before = held(asked.pk)
    denied = answer(cast, trace, asked, TOO_MUCH)
    request_.refresh_from_db()
    assert denied.state == "denied" and denied.replan_of is None
    assert "The reviewer’s question still waits for another answer, until" in denied.detail
    assert request_.is_with_agent and request_.question.answer == "" and before and held(asked.pk) == before
    assert [body["denied"] for _, body in entries(request_, "answer_denied")] == [denied.pk]
    assert any(line.title == "Its answer was denied by policy" for line in rail(request_))
    made = answer(cast, trace, asked)
    request_.refresh_from_db()
    assert (made.state, made.replan_of, request_.state) == ("pending", asked, "withdrawn")
    story, integrity = show(trace, tab="approvals")
    told = [item["text_strong"] for item in story.timeline]
    assert integrity.ok and told.count("Agent’s answer denied") == told.count("Agent answered") == 1


def test_over_rest_the_agent_reads_that_the_question_still_waits(cast, trace, request_):  # noqa: F811
    ask(cast, request_)
    sent = {"trace_id": trace.pk, "tool": REFUND["tool"], "answers": request_.action_id}
    told = post("tool-calls", {**sent, "arguments": TOO_MUCH}, cast.token).json()
    assert told["state"] == "denied" and "still waits for another answer" in told["detail"]
    assert get(f"actions/{request_.action_id}", cast.token).json()["approval"]["question"]["waits_for_you"]


@pytest.fixture
def questioned(cast):
    """A refund asked for over MCP, sent back by Priya."""
    told = facts(call(REFUND["tool"], REFUND["arguments"], cast.token))
    found = ApprovalRequest.objects.get(pk=told["approval_id"])
    ask(cast, found)
    return found


def replied(cast, found, **given):
    return facts(call("approval_answer", {"approval_id": found.pk, "arguments": CHANGED, **given}, cast.token))


def test_mcp_waiting_ends_with_the_question_and_says_how_to_answer(cast, questioned):
    start = database_now()
    for told in (facts(call("approval_wait", {"approval_id": questioned.pk, "seconds": 20}, cast.token)),
                 facts(call(REFUND["tool"], REFUND["arguments"], cast.token, declares=PAGES))):  # fmt: skip
        assert told["decision"] == "needs_approval" and told["question"]["text"] == ASKED
        assert f"A reviewer asks: {ASKED} Call approval_answer" in told["message"]
    assert (database_now() - start).total_seconds() < 10
    assert ASKED in task("get", questioned.pk, cast.token).json()["result"]["statusMessage"]


def test_mcp_an_answer_takes_the_place_of_the_question_and_sent_again_is_the_same(cast, questioned, desk):
    told = replied(cast, questioned)
    again = [replied(cast, questioned), facts(call(REFUND["tool"], CHANGED, cast.token))]
    assert [one["action_id"] for one in again] == [told["action_id"]] * 2 and Action.objects.count() == 2
    fresh = ApprovalRequest.objects.get(pk=told["approval_id"])
    questioned.refresh_from_db()
    assert questioned.state == "withdrawn" and questioned.question.answered_by == told["action_id"]
    vote(cast, fresh, "priya")
    vote(cast, fresh, "tomas")
    work(fresh.trace)
    assert facts(call("approval_wait", {"approval_id": fresh.pk}, cast.token))["decision"] == "executed"
    assert len(desk.read("/orders/48213")["refunds"]) == 1


def test_mcp_the_same_arguments_answer_nothing_and_a_denied_answer_keeps_the_question(cast, questioned):
    same = replied(cast, questioned, arguments=REFUND["arguments"])
    assert same["decision"] == "refused" and "answer nothing" in same["message"]
    denied = replied(cast, questioned, arguments=TOO_MUCH)
    assert denied["decision"] == "denied" and "still waits for another answer" in denied["message"]
    bad = replied(cast, questioned, arguments={"no": "field"})
    assert bad["decision"] == "refused" and bad["problems"]
    questioned.refresh_from_db()
    assert questioned.is_with_agent and replied(cast, questioned)["decision"] == "needs_approval"


def test_mcp_b06_an_answer_calls_no_tool_that_is_not_granted_and_nobody_elses_question(cast, questioned):
    sent = {"approval_id": questioned.pk, "arguments": {}, "tool": "desk.no.such"}
    unknown = modern("tools/call", {"name": "approval_answer", "arguments": sent}, cast.token)
    assert unknown.status_code == 400 and "Unknown tool: desk.no.such" in unknown.json()["error"]["message"]
    for name, more in (("approval_answer", {"arguments": CHANGED}), ("approval_withdraw", {})):
        other = call(name, {"approval_id": questioned.pk, **more}, cast.tokens["front-desk-agent"])
        assert other["isError"] and "no approval of that id" in other["content"][0]["text"]
    nothing = call("approval_answer", {"approval_id": questioned.pk, "arguments": CHANGED}, cast.token)
    assert facts(nothing)["decision"] == "needs_approval"
    twice = replied(cast, questioned, arguments={**CHANGED, "reason": "fraudulent"})
    assert twice["decision"] == "refused" and "No question about this action waits" in twice["message"]


def test_mcp_withdraw_takes_back_what_waits_and_nothing_that_ended(cast, questioned):
    taken = call("approval_withdraw", {"approval_id": questioned.pk, "reason": "Not wanted."}, cast.token)
    told = facts(taken)
    questioned.refresh_from_db()
    assert not taken["isError"] and told["state"] == "withdrawn" and "Not wanted." in told["message"]
    assert questioned.state == "withdrawn" and questioned.question.answer == "withdrawn"
    again = call("approval_withdraw", {"approval_id": questioned.pk}, cast.token)
    assert again["isError"] and "can’t be withdrawn" in facts(again)["message"]


def test_a_task_that_was_sent_back_and_withdrawn_is_cancelled(cast):
    name = call(REFUND["tool"], REFUND["arguments"], cast.token, declares=TASKS)["taskId"]
    found = ApprovalRequest.objects.get(pk=name)
    ask(cast, found)
    withdraw(actor=cast.agent_actor, action=Action.objects.get(pk=found.action_id), reason="")
    assert task("get", name, cast.token).json()["result"]["status"] == "cancelled"
