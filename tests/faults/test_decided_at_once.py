"""A call that policy allows at once, of a system that is asked nothing before: proposal and intent are one transaction, and the
last look is one of its own (P2, P4, P9)."""

import pytest
from django.db import connection, transaction

from accounts.services import revoke_agent_token
from actions.models import Action, KillSwitch
from actions.services import call_tool
from actions.states import State
from actions.switches import let_go
from actions.tasks import run_action
from policies.models import BreakerTrip, LimitHold
from tests.builders import opened, publish
from tests.faults.test_claimed_at_once import CLAIM, INTENT, MINTED
from tests.faults.test_credentials import another_tool, paused
from tests.faults.test_last_look import LIMIT, begun, until
from tests.faults.test_revocations import waiting
from tests.remote.running import shop_policy
from traces.checkpoints.clock import tick
from traces.ledger import verify

TOOL = "shop.order.a"
DECIDED = ["action.proposed", "action.decided"]
REPEATS = {
    "id": "shop.repeats", "name": "Repeats", "when": {"tools": [TOOL]}, "on": "repeats", "per": "agent", "max": 1,
    "window": "1h",
}  # fmt: skip


def called(cast, trace=None) -> Action:
    """The call as an agent makes it, through the service of every door."""
    given = {"item": "tea", "amount": 1}
    return call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace or opened(cast), tool=TOOL, arguments=given)


def written(trace) -> list[tuple[str, str]]:
    """What was recorded of the call, each with the transaction that wrote it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, xmin::text FROM traces_entry WHERE trace_id = %s ORDER BY seq", [trace.pk])
        found = cursor.fetchall()
    return found[[kind for kind, _ in found].index("action.proposed") :]


def test_p2_proposal_decision_and_intent_are_one_transaction_and_the_outcome_another(shop, remote):
    tick()
    found = called(shop)
    *before, outcome = written(found.trace)
    assert [kind for kind, _ in before] == [*DECIDED, CLAIM, MINTED, INTENT] and outcome[0] == "action.succeeded"
    assert len({wrote for _, wrote in before}) == 1 and outcome[1] != before[0][1]
    stored = Action.objects.get(pk=found.pk)
    assert (stored.state, stored.fence, found.state) == (State.SUCCEEDED, 1, State.SUCCEEDED)
    assert remote.effects(found.pk) == 1 and verify(found.trace).ok


def test_a02_what_is_reserved_with_the_decision_counts_once(shop, remote):
    plain = shop_policy()
    publish(shop, plain | {"limits": [*plain["limits"], LIMIT]})
    tick()
    found = called(shop)
    holds = LimitHold.objects.filter(action_id=found.pk).values_list("key", "amount", "state")
    assert [(amount, state) for _, amount, state in holds] == [(1, "settled")]


def tightened(cast, _) -> None:
    plain = shop_policy()
    plain["roles"]["refunds"]["tools"][TOOL] = {"mode": "off"}
    publish(cast, plain)


def key_revoked(cast, _) -> None:
    for credential in cast.agent.credentials.filter(revoked_at=None):
        revoke_agent_token(actor=cast.actor("dana"), credential=credential)


@pytest.mark.parametrize(
    ("cause", "state", "recorded"),
    [
        (paused, "authorized", DECIDED),
        (another_tool, "authorized", DECIDED),
        (tightened, "blocked", [*DECIDED, CLAIM, "action.blocked"]),
        (key_revoked, "blocked", [*DECIDED, CLAIM, "action.blocked"]),
    ],
)
def test_p9_what_is_committed_between_decision_and_last_look_counts(shop, remote, cause, state, recorded):
    """The call was decided and waits for the lock of what governs, or of what its agent may."""
    tick()
    trace = opened(shop)
    action = Action(tool_name=TOOL, workspace=shop.northwind)
    with transaction.atomic():
        cause(shop, action)
        caller = begun(lambda: called(shop, trace))
        until(lambda: waiting("pg_advisory_xact_lock_shared") or waiting("accounts_agent"), "It waited for nothing.")
    caller.join()
    found = Action.objects.get(trace=trace)
    assert (found.state, [kind for kind, _ in written(trace)]) == (state, recorded)
    assert remote.effects(found.pk) == 0 and verify(trace).ok


def test_what_a_pause_held_runs_once_it_ended(shop, remote):
    tick()
    trace = opened(shop)
    with transaction.atomic():
        paused(shop, None)
        caller = begun(lambda: called(shop, trace))
        until(lambda: waiting("pg_advisory_xact_lock_shared"), "It waited for no pause.")
    caller.join()
    let_go(actor=shop.actor("priya"), switch=KillSwitch.objects.get(), reason="Looked at it, amounts are right.")
    found = Action.objects.get(trace=trace)
    run_action(found.pk)
    found.refresh_from_db()
    assert found.state == State.SUCCEEDED and remote.effects(found.pk) == 1


def test_a08_a_breaker_that_counts_repeats_stops_the_very_call_that_is_one_too_many(shop, remote):
    plain = shop_policy()
    publish(shop, plain | {"breakers": [*plain["breakers"], REPEATS]})
    tick()
    first, second = called(shop), called(shop)
    assert BreakerTrip.objects.count() == 1
    assert (first.state, second.state) == (State.SUCCEEDED, State.BLOCKED) and remote.effects(second.pk) == 0
