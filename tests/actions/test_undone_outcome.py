"""What a rollback makes of a trace's outcome: it never hides what is in doubt, failed, waits or still stands (F-02, P10)."""

import pytest

from actions.services import call_tool
from tests.actions.doubt import find_out, its_time_comes
from tests.actions.undoing import TICKET, undo, wrote
from tests.builders import publish, sample_plain
from traces.models import Trace
from traces.show import show


def outcome(trace: Trace) -> str:
    """As lists say it, which is as the page says it from the ledger."""
    trace.refresh_from_db()
    assert show(trace, tab="")[0].outcome == trace.outcome
    return trace.outcome


def closing(cast, trace: Trace):
    arguments = {"ticket_id": "88213", "fields": {"status": "closed"}}
    return call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=TICKET, arguments=arguments)


def test_what_is_in_doubt_or_failed_stays_so_when_another_change_was_undone(cast, desk):
    first = wrote(cast, owner_note="a")
    desk.fault("500_before")
    doubtful = closing(cast, first.trace)
    undo(cast, first)
    assert doubtful.state == "unknown" and outcome(first.trace) == "unknown"
    its_time_comes(doubtful)
    assert find_out(doubtful).state == "failed" and outcome(first.trace) == "failed"


def test_what_waits_for_people_still_waits(cast):
    first = wrote(cast, owner_note="a")
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][TICKET] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    assert closing(cast, first.trace).state == "pending"
    undo(cast, first)
    assert outcome(first.trace) == "waiting"


@pytest.mark.parametrize("both", [False, True])
def test_it_is_rolled_back_once_every_change_is(cast, both):
    first = wrote(cast, owner_note="a")
    second = wrote(cast, TICKET, "88213", first.trace, note="b")
    call = {"tool": "desk.order.get", "arguments": {"order_id": "48213"}}  # A read has nothing to undo.
    call_tool(actor=cast.agent_actor, agent=cast.agent, trace=first.trace, **call)
    for action in (first, second) if both else (first,):
        undo(cast, action)
    assert outcome(first.trace) == ("rolled_back" if both else "completed")
