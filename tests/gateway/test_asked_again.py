"""The same call again over REST is the same call: one approval, one effect, its outcome given once (M-05, A-08)."""

import pytest

from actions.models import Action, IdempotencyKey
from approvals.models import ApprovalRequest
from sample.agent.__main__ import STEPS
from tests.actions.hands import ARGUMENTS, TOOL, give_hands
from tests.approvals.test_questions import ask
from tests.builders import opened, request_of, vote, work
from tests.gateway.mcp_client import call
from tests.gateway.test_bad_input import post, problem
from tests.gateway.test_rest import get

REFUND, UPDATE = STEPS[1], STEPS[2]


def sent(cast, trace, step=REFUND, *, path="tool-calls", key=None, **more):
    body = {"trace_id": trace.pk, "tool": step["tool"], "arguments": step["arguments"], **more}
    return post(path, body, cast.token, key=key)


def approved(cast, action_id) -> None:
    request = ApprovalRequest.objects.get(action_id=action_id)
    for first in ("priya", "tomas"):
        vote(cast, request, first)
    work(Action.objects.get(pk=action_id).trace)


@pytest.mark.parametrize("keys", [(None, None), ("k-1", "k-2"), ("k-1", None)])
def test_m05_a_call_that_waits_is_joined_whatever_its_key_and_opens_no_second_approval(cast, keys):
    first, again = (sent(cast, opened(cast), key=key) for key in keys)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["action_id"] == again.json()["action_id"] and ApprovalRequest.objects.count() == 1


def test_an_approval_is_used_once_and_its_outcome_given_once(cast, desk):
    trace = opened(cast)
    first = sent(cast, trace).json()["action_id"]
    approved(cast, first)
    outcome = sent(cast, trace)
    assert (outcome.status_code, outcome.json()["action_id"], outcome.json()["executed"]) == (200, first, True)
    anew = sent(cast, trace).json()  # Policy decides anew: the order was refunded.
    assert anew["action_id"] != first and anew["state"] == "denied"
    assert len(desk.read("/orders/48213")["refunds"]) == 1


def test_an_outcome_that_was_looked_up_is_given(cast):
    trace = opened(cast)
    first = sent(cast, trace).json()["action_id"]
    approved(cast, first)
    assert get(f"actions/{first}", cast.token).json()["executed"]
    assert sent(cast, trace).json()["action_id"] != first


def test_both_doors_are_one_place_to_ask(cast):
    said = {"remit/on_behalf_of": "maya@northwind.example"}
    over_mcp = call(REFUND["tool"], REFUND["arguments"], cast.token, meta=said)["structuredContent"]
    assert sent(cast, opened(cast)).json()["action_id"] == over_mcp["action_id"]


def test_m05_a_write_without_a_key_is_not_doubled(cast):
    trace = opened(cast)
    first = sent(cast, trace, UPDATE).json()
    assert first["executed"] and sent(cast, trace, UPDATE).json()["action_id"] == first["action_id"]


def test_two_keys_are_two_writes(cast):
    trace = opened(cast)
    made = [sent(cast, trace, UPDATE, key=key).json() for key in ("k-1", "k-2", "k-2")]
    assert [one["executed"] for one in made] == [True] * 3
    assert made[0]["action_id"] != made[1]["action_id"] == made[2]["action_id"]


def test_a_key_that_joined_keeps_to_what_it_joined(cast):
    trace = opened(cast)
    first = sent(cast, trace, key="k-1").json()["action_id"]
    assert sent(cast, trace, key="k-2").json()["action_id"] == first
    IdempotencyKey.objects.update(status=None, answer=None)  # As if the process died before it stored the answer.
    approved(cast, first)
    found = sent(cast, trace, key="k-2")
    assert (found.status_code, found.json()["action_id"]) == (200, first)
    other = post("tool-calls", {"trace_id": trace.pk, "tool": UPDATE["tool"], "arguments": {}}, cast.token, key="k-2")
    problem(other, 409)


def test_the_address_of_a_tool_is_the_same_door(cast):
    trace = opened(cast)
    first = sent(cast, trace).json()["action_id"]
    body = {"trace_id": trace.pk, "arguments": REFUND["arguments"]}
    assert post(f"tools/{REFUND['tool']}", body, cast.token).json()["action_id"] == first


def test_what_the_agent_does_itself_is_handed_over_once_for_each_approval(cast):
    give_hands(cast, mode="approval")
    trace, step = opened(cast), {"tool": TOOL, "arguments": ARGUMENTS}
    first = sent(cast, trace, step).json()["action_id"]
    assert sent(cast, trace, step).json()["action_id"] == first
    vote(cast, ApprovalRequest.objects.get(), "priya")
    work(trace)
    handed, anew = sent(cast, trace, step).json(), sent(cast, trace, step).json()
    assert (handed["action_id"], handed["yours"]["arguments"]) == (first, ARGUMENTS)
    assert anew["action_id"] != first and anew["state"] == "pending" and anew["yours"] is None


def test_a02_what_the_agent_does_itself_counts_as_often_as_it_is_handed_over(cast):
    give_hands(cast)
    trace, step = opened(cast), {"tool": TOOL, "arguments": ARGUMENTS}
    one, two = (sent(cast, trace, step).json() for _ in range(2))
    assert one["yours"] and two["yours"] and one["action_id"] != two["action_id"]


def test_an_answer_with_the_arguments_in_question_answers_nothing(cast):
    trace = opened(cast)
    first = sent(cast, trace).json()["action_id"]
    ask(cast, request_of(trace, REFUND["tool"]))
    refused = sent(cast, trace, answers=first)
    assert "Change what was asked for" in problem(refused, 409)["detail"]
