"""Every adapter with its real SDK against a running Remit: allowed, denied, approved, rejected, restarted while it waits.

What the agent's own framework says of an approval decides nothing: it is only asked to go on.
"""

import json

import pytest

pytestmark = pytest.mark.adapters
STACKS = [
    "openai_responses", "openai_chat", "openai_agents_sdk", "anthropic_messages", "google_genai", "google_adk",
    "langchain_graph", "llamaindex_agent", "claude_agent",
]  # fmt: skip
READ = {"tool": "desk__order__get", "arguments": {"order_id": "48213"}}


def mail(body: str, to: str = "ap@birch.example") -> dict:
    return {"tool": "desk__mail__send", "arguments": {"to": to, "subject": "Your order", "body": body}}


def saw(answer: dict) -> dict:
    """What the model was given, out of what it repeated."""
    assert not answer["pending"], answer
    text = answer["text"]
    return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_lives_with_every_verdict(agent, maya, stack, name):
    running = stack(name)

    def opened() -> str:
        return agent.open_trace(intent=f"Try {name}.", on_behalf_of="maya@northwind.example").id

    def waiting(body: str) -> tuple[str, dict]:
        trace = opened()
        answer = running.tell(trace=trace, ask=mail(body))
        assert answer["pending"], answer
        return trace, answer["state"]

    def approval(trace: str) -> str:
        actions = agent.trace(trace).data["actions"]
        assert len(actions) == 1, "The stack asked twice."
        return actions[0]["approval"]["url"]

    allowed = saw(running.tell(trace=opened(), ask=READ))
    assert allowed["executed"] and allowed["result"]["record"]["account_id"] == "acct_5521"

    denied = saw(running.tell(trace=opened(), ask=mail("Hello.", to="someone@else.example")))
    assert denied["state"] == "denied" and not denied["executed"] and "customer domain" in denied["reason"]

    trace, state = waiting(f"Approved for {name}.")
    again = running.tell(trace=trace, resume=state)
    assert again["pending"] or saw(again)["state"] == "pending", "The framework's own yes decided."
    state = again["state"] or state
    maya.decide(approval(trace), "approve")
    agent.trace(trace)
    assert agent.action(agent.trace(trace).data["actions"][0]["action_id"]).wait(timeout_s=30).succeeded
    if again["pending"]:
        assert saw(running.tell(trace=trace, resume=state))["executed"]

    trace, state = waiting(f"Rejected for {name}.")
    maya.decide(approval(trace), "reject", "Not to this customer.")
    rejected = saw(running.tell(trace=trace, resume=state))
    assert rejected["state"] == "rejected" and not rejected["executed"]

    trace, state = waiting(f"Restarted for {name}.")
    running.restart()
    maya.decide(approval(trace), "approve")
    assert agent.action(agent.trace(trace).data["actions"][0]["action_id"]).wait(timeout_s=30).succeeded
    assert saw(running.tell(trace=trace, resume=state))["executed"] and len(agent.trace(trace).data["actions"]) == 1
