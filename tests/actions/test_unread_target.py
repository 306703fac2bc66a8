"""A call whose target could not be looked at when it was prepared is denied, also when the reason ended since (P4, P5)."""

import pytest

from accounts.scopes import EVERYTHING
from actions.models import Action
from actions.propose import Place, Prepared, prepare, record_proposal
from actions.services import evaluate
from actions.switches import hold, let_go
from tests.actions.doubt import REFUND
from tests.builders import opened, publish, sample_plain

TOOL = "desk.refund.create"
WHY = "Amounts look wrong since noon."


@pytest.fixture
def plain(cast) -> dict:
    """A policy without the invariant on the order, which would deny a refund without the record by itself."""
    found = sample_plain()
    found["invariants"] = [one for one in found["invariants"] if one["id"] != "refund.within_charge"]
    publish(cast, found)
    return found


def recorded(cast, ready: Prepared) -> Action:
    trace = opened(cast)
    return record_proposal(actor=cast.agent_actor, place=Place(trace, cast.agent, trace.asker, 1), prepared=ready)


def paused_then_released(cast, plain: dict) -> Prepared:
    switch = hold(actor=cast.actor("priya"), workspace=None, scope="everything", target="", reason=WHY)
    ready = prepare(agent=cast.agent, name=TOOL, arguments=REFUND, effects=EVERYTHING)
    let_go(actor=cast.actor("priya"), switch=switch, reason="Looked at it, amounts are right.")
    return ready


def off_then_on(cast, plain: dict) -> Prepared:
    rule = plain["roles"]["refunds"]["tools"][TOOL]
    plain["roles"]["refunds"]["tools"][TOOL] = {"mode": "off"}
    publish(cast, plain)
    ready = prepare(agent=cast.agent, name=TOOL, arguments=REFUND, effects=EVERYTHING)
    plain["roles"]["refunds"]["tools"][TOOL] = rule
    publish(cast, plain)
    return ready


@pytest.mark.parametrize("meanwhile", [paused_then_released, off_then_on])
def test_p5_nothing_is_written_over_a_record_that_was_not_read(cast, plain, meanwhile):
    ready = meanwhile(cast, plain)
    assert ready.before is None and ready.problem == ""
    found = recorded(cast, ready)
    assert found.state == "denied" and "was not read" in found.detail
    assert (
        recorded(cast, prepare(agent=cast.agent, name=TOOL, arguments=REFUND, effects=EVERYTHING)).state == "authorized"
    )


def test_a_tool_that_is_off_still_says_so_itself(cast, plain):
    plain["roles"]["refunds"]["tools"][TOOL] = {"mode": "off"}
    publish(cast, plain)
    found = recorded(cast, prepare(agent=cast.agent, name=TOOL, arguments=REFUND, effects=EVERYTHING))
    assert found.state == "denied" and "was not read" not in found.detail


def test_p9_evaluate_says_that_a_pause_holds_the_call(cast):
    hold(actor=cast.actor("priya"), workspace=None, scope="everything", target="", reason=WHY)
    asked = evaluate(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=TOOL, arguments=REFUND)
    assert asked.effect == "deny" and "is paused by Priya" in asked.reason and WHY in asked.reason
