"""A limit on money holds whatever a tool counts in, and a call whose amount cannot be counted is no call (A-02)."""

import pytest
import yaml

from actions.arguments import BadArguments
from actions.models import Action, Tool
from actions.services import call_tool
from actions.tools import load_tools
from policies.models import LimitHold
from tests.builders import opened, publish, sample_plain
from tests.cast import WORLD
from traces.canonical import canonical_text

REFUND = {"order_id": "48401", "charge_id": "ch_3PqRc1", "amount": 59, "currency": "USD", "reason": "duplicate"}


def load(cast, **money) -> None:
    """The refund tool with another way to count, approved at once."""
    data = yaml.safe_load((WORLD / "tools.yaml").read_text())
    tool = next(found for found in data["tools"] if found["name"] == "desk.refund.create")
    tool["money"] |= money
    tool["input_schema"]["properties"]["currency"] = {"type": "string"}
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=yaml.safe_dump(data), approve=True)


def call(cast, **more) -> Action:
    arguments = REFUND | more
    trace = opened(cast)
    return call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=trace, tool="desk.refund.create", arguments=arguments
    )


def seen(action: Action) -> str:
    return next(check["reason"] for check in action.decision["checks"] if check["rule"] == "limits.refund.auto")


def test_an_amount_in_whole_dollars_is_no_amount_in_cents(cast):
    """59 of a tool that counts dollars are $59.00: the limit of $100.00 would let 59 cents pass a hundred times."""
    load(cast, minor_units=0)
    assert "$59.00 of $100.00" in seen(call(cast))
    over = call(cast, amount=101)
    assert over.state == "pending" and "$101.00 is over the $100.00" in seen(over)
    held = LimitHold.objects.filter(action_id=over.pk, key__contains="refund").values_list("amount", flat=True)
    assert set(held) == {10_100}


def test_a_currency_in_small_letters_counts_against_limit_and_breaker_alike(cast):
    load(cast)
    assert "$0.59 of $100.00" in seen(call(cast, currency="usd"))


@pytest.mark.parametrize("amount", [{"amount": "59"}, {"amount": 59.5}, {}])
def test_a_call_without_an_amount_that_can_be_counted_is_refused_with_its_field(cast, amount):
    """As with a definition of an earlier release, whose schema lets it through."""
    tool = Tool.objects.get(workspace=cast.northwind, name="desk.refund.create")
    loose = tool.definition
    loose["input_schema"]["properties"]["amount"] = {}
    loose["input_schema"]["required"] = []
    Tool.objects.filter(pk=tool.pk).update(definition_text=canonical_text(loose))
    arguments = {name: value for name, value in REFUND.items() if name != "amount"} | amount
    with pytest.raises(BadArguments) as refused:
        call_tool(
            actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool="desk.refund.create", arguments=arguments
        )
    (problem,) = refused.value.problems
    assert problem.pointer == "/amount" and "whole minor units" in problem.message
    assert not Action.objects.filter(tool_name="desk.refund.create").exists()


def test_an_amount_that_policy_takes_out_takes_the_call_with_it(cast, desk):
    """A refund without its amount is a refund of everything, to many systems."""
    plain = sample_plain()
    plain["roles"]["refunds"]["fields"]["desk.refund"]["write"].remove("amount")
    publish(cast, plain)
    found = call(cast)
    assert found.state == "denied" and "takes no call without amount" in found.detail
    assert desk.read("/orders/48401")["refunds"] == []
