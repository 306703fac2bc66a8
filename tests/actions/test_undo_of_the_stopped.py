"""On call at 02:00: stop the agent first, then undo what it did, without letting it go on in between (P9, P10)."""

import pytest

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import Agent
from accounts.services import set_agent_state
from actions.models import Action
from actions.services import call_tool, run_and_advance
from actions.switches import pause
from approvals.models import ApprovalRequest
from policies.models import BreakerTrip
from tests.actions.test_undo import with_approval
from tests.actions.undoing import TICKET, UPDATE, undo, wrote
from tests.builders import opened, publish, sample_plain, vote, work

ACCOUNT = "/accounts/acct_5521"


def paused(cast) -> None:
    pause(
        actor=cast.actor("priya"), user=cast.user("priya"), workspace=cast.northwind, scope="agent",
        target=cast.agent.pk, reason="Wrong amounts since noon",
    )  # fmt: skip


def set_aside(cast) -> None:
    set_agent_state(actor=cast.actor("priya"), agent=cast.agent, state=Agent.State.PAUSED)


def disabled(cast) -> None:
    set_agent_state(actor=cast.actor("priya"), agent=cast.agent, state=Agent.State.DISABLED)


def tripped(cast) -> None:
    plain = sample_plain()
    plain["breakers"] = [{"id": "stop", "name": "Stop", "when": {"tools": [UPDATE]}, "on": "rollbacks", "per": "agent", "max": 1,
                          "window": "1h"}]  # fmt: skip
    publish(cast, plain)
    BreakerTrip.objects.create(
        workspace=cast.northwind, policy=cast.agent.policy, breaker="stop", reason="2 rollbacks", evidence=[],
        key=f"stop:agent:{cast.agent.pk}", tripped_at=database_now(),
    )  # fmt: skip


@pytest.mark.parametrize("stop", [paused, set_aside, disabled, tripped])
def test_p10_what_a_stopped_agent_did_can_be_undone(cast, desk, stop):
    done = wrote(cast, owner_note="a")
    stop(cast)
    made = undo(cast, done)
    assert (made.state, made.detail) == ("succeeded", "") and desk.read(ACCOUNT)["owner_note"] == ""


def test_p9_the_agent_itself_stays_stopped_meanwhile(cast, desk):
    done = wrote(cast, TICKET, "88213", note="a")
    with_approval(cast)
    arguments = {"account_id": "acct_5521", "fields": {"owner_note": "b"}}
    waits = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=UPDATE, arguments=arguments)
    vote(cast, ApprovalRequest.objects.get(action_id=waits.pk), "ken")
    paused(cast)
    assert undo(cast, done).state == "succeeded"
    run_and_advance(actor=system_actor("worker", cast.northwind.pk), action_id=waits.pk)
    assert Action.objects.get(pk=waits.pk).state == "authorized" and desk.read(ACCOUNT)["owner_note"] == ""


def test_an_undo_that_waits_for_people_runs_although_its_agent_is_stopped(cast, desk):
    done = wrote(cast, owner_note="a")
    with_approval(cast)
    made = undo(cast, done)
    paused(cast)
    disabled(cast)
    vote(cast, ApprovalRequest.objects.get(action_id=made.pk), "ken")
    work(made.trace)
    assert Action.objects.get(pk=made.pk).state == "succeeded" and desk.read(ACCOUNT)["owner_note"] == ""
