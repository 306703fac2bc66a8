"""The state machine and the sweeper: one-way arrows, fences, leases, doorbell (4.1, F6, F7, F10, R-01, R-02)."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.actors import system_actor
from accounts.clock import database_now
from actions.machine import StateConflict, move
from actions.models import Action
from actions.states import ARROWS, FINAL, NOT_RUN, State, allowed
from actions.sweep import sweep
from actions.tasks import run_action
from approvals.models import ApprovalRequest
from approvals.services import record_verdict
from tests.builders import action, planned, request_of, vote

REFUND = "desk.refund.create"


def test_every_state_is_reachable_and_final_ones_have_no_arrow():
    reached = {State.PROPOSED} | {target for targets in ARROWS.values() for target in targets}
    assert reached == set(State)
    assert all(state not in ARROWS for state in FINAL)
    assert not any(allowed(state, State.DISPATCHING) for state in State if state is not State.CLAIMED)
    assert not any(allowed(State.DISPATCHING, state) for state in NOT_RUN | {State.AUTHORIZED})


@pytest.fixture
def authorized(cast) -> Action:
    trace = planned(cast)
    request = request_of(trace, REFUND)
    vote(cast, request, "priya")
    vote(cast, request, "tomas")
    return action(trace, REFUND)


def claim(found: Action, **extra):
    actor = system_actor("worker", found.workspace_id)
    body = {"fence": found.fence + 1}
    move(actor=actor, action=found, to=State.CLAIMED, entry="action.claimed", body=body, bump_fence=True, **extra)


def test_only_one_of_two_workers_claims(authorized):
    first, second = Action.objects.get(pk=authorized.pk), Action.objects.get(pk=authorized.pk)
    claim(first)
    with pytest.raises(StateConflict):
        claim(second)
    assert Action.objects.get(pk=authorized.pk).fence == 1


def test_arrow_that_does_not_exist_is_an_error(authorized):
    with pytest.raises(ValueError, match="no arrow"):
        move(actor=system_actor("x", ""), action=authorized, to=State.SUCCEEDED, entry="action.succeeded", body={})


def test_f6_lease_that_ran_out_before_sending_is_requeued_and_the_zombie_is_fenced(authorized):
    claim(authorized, lease_until=database_now() - timedelta(seconds=1))
    zombie = Action.objects.get(pk=authorized.pk)
    assert sweep().requeued == 1
    current = Action.objects.get(pk=authorized.pk)
    assert current.state == "authorized" and current.fence == zombie.fence + 1
    with pytest.raises(StateConflict):
        move(actor=system_actor("w", ""), action=zombie, to=State.DISPATCHING, entry="action.dispatching", body={})


def test_f04_lease_that_ran_out_after_the_intent_is_unknown_and_never_requeued(authorized, desk):
    claim(authorized, lease_until=database_now() - timedelta(seconds=1))
    move(actor=system_actor("w", ""), action=authorized, to=State.DISPATCHING, entry="action.dispatching", body={})
    assert sweep().unknown == 1
    run_action(authorized.pk)
    found = Action.objects.get(pk=authorized.pk)
    assert found.state == "unknown" and desk.read("/orders/48213")["refunds"] == []
    assert found.trace.outcome == "unknown"
    assert action(found.trace, "desk.account.update").state == "authorized", "The plan is held, not ended."


def test_f3_message_delivered_many_times_takes_effect_once(authorized, desk):
    for _ in range(10):
        run_action(authorized.pk)
    assert len(desk.read("/orders/48213")["refunds"]) == 1


@pytest.mark.parametrize(
    "forged", ["act_nope", "", "trc_01K7QZ4M8T2V00000000000000", "act_" + "0" * 26, 5, None, {"a": 1}]
)
def test_r02_forged_messages_do_nothing(authorized, forged):
    run_action(forged)
    assert Action.objects.get(pk=authorized.pk).state == "authorized"


def test_f1_verdict_whose_process_died_is_carried_by_the_sweeper(cast):
    trace = planned(cast)
    found = request_of(trace, REFUND)
    for first in ("priya", "tomas"):
        found.refresh_from_db()
        user = cast.user(first)
        record_verdict(
            actor=cast.actor(first), user=user, request_id=found.pk, choice="approve", reason="", digest=found.digest
        )
    assert (
        action(trace, REFUND).state == "pending"
    )  # The on-commit message was never sent inside this test's transaction.
    assert sweep().applied == 1 and action(trace, REFUND).state == "authorized"


def test_one_verdict_that_cannot_be_carried_over_keeps_no_other_waiting(cast, caplog):
    """A broken row is said in the log and tried again; leases, expiries and other verdicts go on."""
    traces = [planned(cast), planned(cast)]
    for trace in traces:
        found = request_of(trace, REFUND)
        record_verdict(
            actor=cast.actor("ken"), user=cast.user("ken"), request_id=found.pk, choice="reject", reason="No.",
            digest=found.digest,
        )  # fmt: skip
    Action.objects.filter(pk=action(traces[0], REFUND).pk).update(arguments_text="{")
    swept = sweep()
    assert (swept.applied, action(traces[1], REFUND).state) == (1, "rejected")
    assert "could not be carried over" in caplog.text and "could not be stopped" in caplog.text
    assert not Action.objects.filter(trace=traces[0], state__in=["claimed", "dispatching"]).exists()


def test_a_part_of_the_round_that_fails_keeps_no_other_waiting(cast, authorized, caplog):
    """Expiries that the database refuses are said and tried again; leases still end in the same round (F-04)."""
    claim(authorized, lease_until=database_now() - timedelta(seconds=1))
    ApprovalRequest.objects.filter(trace=planned(cast)).update(expires_at=database_now() - timedelta(seconds=1))
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$")
        cursor.execute("CREATE TRIGGER refuse BEFORE UPDATE ON approvals_approvalrequest EXECUTE FUNCTION refuse()")
    swept = sweep()
    assert (swept.failed, swept.requeued) == (1, 1) and "The part approvals of this round failed" in caplog.text


def test_b05_sweeper_denies_what_nobody_decided(cast):
    trace = planned(cast)
    ApprovalRequest.objects.update(expires_at=database_now() - timedelta(seconds=1))
    assert sweep().expired == 2
    sweep()
    assert action(trace, REFUND).state == "expired" and action(trace, "desk.account.update").state == "cancelled"
