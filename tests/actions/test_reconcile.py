"""An unclear outcome is found out: sent again under its key, looked up, or handed to a person (F-01, F-02, F-04, F7, F8)."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.actors import system_actor
from accounts.clock import database_now
from accounts.models import Agent
from accounts.services import set_agent_state
from actions.connections import save_connection
from actions.execution.doubt import MOST_TRIES
from actions.machine import StateConflict, move
from actions.models import Action, AttemptCredential
from actions.services import call_tool
from actions.states import State
from actions.sweep import sweep
from actions.tasks import run_action
from policies.models import DecisionRecord, LimitHold
from tests.actions.doubt import REFUND, as_class_c, find_out, in_doubt, its_time_comes, reload_as
from tests.builders import action, opened, planned, request_of, vote, work
from traces.ledger import verify
from traces.models import Entry
from traces.show import show

TOOL, UPDATE = "desk.refund.create", "desk.ticket.update"


def refunds(desk) -> int:
    return len(desk.read("/orders/48401")["refunds"])


def types(found: Action) -> list[str]:
    return list(Entry.objects.filter(trace=found.trace).order_by("seq").values_list("type", flat=True))


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "500_before", "500_after", "cut_body", "not_json"])
def test_f01_class_a_is_sent_again_under_its_key_and_takes_effect_once(cast, desk, fault):
    found = in_doubt(cast, desk, fault)
    its_time_comes(found)
    done = find_out(found)
    assert done.state == "succeeded" and done.result["verified"] and refunds(desk) == 1
    assert LimitHold.objects.filter(action_id=done.pk).values_list("state", flat=True)[0] == "settled"
    assert DecisionRecord.objects.get(action_id=done.pk).outcome == "succeeded"


@pytest.mark.parametrize(("fault", "state"), [("reset_before", "failed"), ("reset_after", "succeeded")])
def test_f02_class_b_is_looked_up_once_everything_has_settled(cast, desk, fault, state):
    found = in_doubt(cast, desk, fault, UPDATE)
    its_time_comes(found, settled=False)
    waiting = find_out(found)
    assert waiting.state == "unknown" and waiting.reconcile_tries == 0 and waiting.reconcile_at > database_now()
    its_time_comes(found)
    done = find_out(found)
    assert done.state == state
    assert desk.read("/tickets/88213")["status"] == ("closed" if state == "succeeded" else "open")
    assert "holds nothing" in done.detail if state == "failed" else done.result["verified"]


def test_f02_class_c_is_a_persons_turn_at_once_and_is_never_sent_again(cast, desk):
    reload_as(cast, TOOL, as_class_c)
    desk.fault("reset_after")
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=TOOL, arguments=REFUND)
    assert found.state == "needs_human" and "a person must look" in found.detail
    for _ in range(5):
        find_out(found)
        sweep()
    assert refunds(desk) == 1 and Action.objects.get(pk=found.pk).state == "needs_human"
    assert LimitHold.objects.get(action_id=found.pk).state == "reserved"


def test_a_read_whose_worker_died_had_no_effect(cast):
    found = call_tool(
        actor=cast.agent_actor,
        agent=cast.agent,
        trace=opened(cast),
        tool="desk.order.get",
        arguments={"order_id": "48213"},
    )
    Action.objects.filter(pk=found.pk).update(**{"state": "unknown", "reconcile_at": None})
    assert find_out(found).state == "failed"


def test_f04_nothing_is_tried_before_its_time(cast, desk):
    found = in_doubt(cast, desk, "reset_before")
    for _ in range(3):
        run_action(found.pk)
    assert refunds(desk) == 0 and Action.objects.get(pk=found.pk).reconcile_tries == 0


def test_a_key_the_system_may_have_forgotten_is_not_used_again(cast, desk):
    found = in_doubt(cast, desk, "reset_before")
    its_time_comes(found)
    Action.objects.filter(pk=found.pk).update(dispatched_at=database_now() - timedelta(hours=24))
    done = find_out(found)
    assert (done.state, refunds(desk)) == ("failed", 0), "It was looked up instead, and was not there."


def test_key_window_is_the_tools_own(cast, desk):
    reload_as(cast, TOOL, lambda operation: operation.update(key_window_s=600))
    found = in_doubt(cast, desk, "reset_before")
    its_time_comes(found)  # An hour ago: beyond ten minutes.
    assert find_out(found).state == "failed" and refunds(desk) == 0


def test_tries_are_bounded_pauses_grow_and_then_a_person_looks(cast, desk):
    found = in_doubt(cast, desk, "reset_before", UPDATE)
    desk_url = found.tool.connection.base_url
    found.tool.connection.base_url = "http://127.0.0.1:9"
    found.tool.connection.save()
    pauses = []
    for _ in range(MOST_TRIES):
        its_time_comes(found)
        tried = find_out(found)
        assert tried.state == "unknown"
        pauses.append(round((tried.reconcile_at - database_now()).total_seconds()))
    assert pauses == sorted(pauses) and pauses[0] >= 5 and pauses[-1] <= 300
    its_time_comes(found)
    assert find_out(found).state == "needs_human" and f"{MOST_TRIES} tries" in Action.objects.get(pk=found.pk).detail
    assert (
        types(found).count("action.reconcile_started") == types(found).count("action.reconcile_undecided") == MOST_TRIES
    )
    assert desk_url == desk.base_url


def test_another_system_behind_the_connection_proves_nothing(cast, desk):
    found = in_doubt(cast, desk, "reset_after", UPDATE)
    connection = found.tool.connection
    save_connection(
        actor=cast.actor("dana"), workspace=cast.northwind, slug="desk", name="Support desk", kind="records",
        base_url="http://127.0.0.1:9", client_id=desk.client_id, client_secret=desk.client_secret, allow_private=True,
    )  # fmt: skip
    connection.refresh_from_db()
    its_time_comes(found)
    assert find_out(found).state == "needs_human"
    assert "another system" in Action.objects.get(pk=found.pk).detail


def test_same_system_at_another_address_is_asked(cast, desk):
    found = in_doubt(cast, desk, "reset_after", UPDATE)
    save_connection(
        actor=cast.actor("dana"), workspace=cast.northwind, slug="desk", name="Support desk", kind="records",
        base_url=desk.base_url.replace("127.0.0.1", "localhost"), client_id=desk.client_id,
        client_secret=desk.client_secret, allow_private=True, same_system=True,
    )  # fmt: skip
    its_time_comes(found)
    assert find_out(found).state == "succeeded"


def test_changed_tool_is_not_the_same_request(cast, desk):
    found = in_doubt(cast, desk, "reset_before")
    reload_as(cast, TOOL, lambda operation: operation["look_up"].update(lag_s=9))
    its_time_comes(found)
    assert find_out(found).state == "needs_human" and refunds(desk) == 0


def test_paused_agent_sends_nothing_again_but_is_found_out_about(cast, desk):
    found = in_doubt(cast, desk, "reset_before")
    set_agent_state(actor=cast.actor("priya"), agent=cast.agent, state=Agent.State.PAUSED)
    its_time_comes(found)
    assert find_out(found).state == "failed" and refunds(desk) == 0


def test_f18_late_result_of_a_fenced_attempt_is_refused(cast, desk):
    found = in_doubt(cast, desk, "reset_after", UPDATE)
    zombie = Action.objects.get(pk=found.pk)
    its_time_comes(found)
    find_out(found)
    with pytest.raises(StateConflict):
        move(actor=system_actor("worker", ""), action=zombie, to=State.FAILED, entry="action.failed", body={})


def test_plan_is_held_by_doubt_and_goes_on_when_it_turns_out_done(cast, desk):
    trace = planned(cast)
    refund = request_of(trace, TOOL)
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    desk.fault("reset_after")
    work(trace)
    assert action(trace, TOOL).state == "unknown" and action(trace, "desk.account.update").state == "authorized"
    its_time_comes(action(trace, TOOL))
    find_out(action(trace, TOOL))
    work(trace)
    assert action(trace, "desk.account.update").state == "succeeded"
    assert len(desk.read("/orders/48213")["refunds"]) == 1


def test_plan_stops_when_it_turns_out_not_done(cast, desk):
    trace = planned(cast)
    refund = request_of(trace, TOOL)
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    desk.fault("reset_before")
    work(trace)
    reload_as(cast, TOOL, lambda operation: None)
    set_agent_state(actor=cast.actor("priya"), agent=cast.agent, state=Agent.State.PAUSED)
    its_time_comes(action(trace, TOOL))
    find_out(action(trace, TOOL))
    assert action(trace, TOOL).state == "failed" and action(trace, "desk.account.update").state == "cancelled"
    assert set(LimitHold.objects.filter(action_id=action(trace, TOOL).pk).values_list("state", flat=True)) == {
        "released"
    }


def test_every_try_is_two_entries_and_has_its_own_narrow_credential(cast, desk):
    found = in_doubt(cast, desk, "reset_after", UPDATE)
    its_time_comes(found)
    find_out(found)
    told = types(found)
    first = told.index("action.unknown")
    assert told[first:] == [
        "action.unknown", "credential.revoked", "action.reconcile_started", "credential.minted", "action.reconciled",
        "credential.revoked",
    ]  # fmt: skip
    assert verify(found.trace).ok
    scopes = [t["scope"] for t in desk.audit() if t["reference"] == found.pk]
    assert scopes[-1] == "tickets:read"
    assert not AttemptCredential.objects.filter(action=found, ended_at=None).exists()
    assert not AttemptCredential.objects.exclude(sealed_secret="").exists()


def test_sweeper_rings_for_what_is_due(cast, desk):
    found = in_doubt(cast, desk, "reset_after")
    assert sweep().in_doubt == 0
    its_time_comes(found)
    assert sweep().in_doubt == 1


def test_page_tells_what_was_found_out(cast, desk):
    found = in_doubt(cast, desk, "reset_after", UPDATE)
    assert show(found.trace, tab="")[0].outcome == "unknown"
    its_time_comes(found)
    find_out(found)
    story, integrity = show(Action.objects.get(pk=found.pk).trace, tab="")
    assert integrity.ok and story.outcome == "completed"


def test_f06_the_agent_reads_what_is_known_and_by_when(cast, desk):
    found = in_doubt(cast, desk, "reset_before")
    head = {"Authorization": f"Bearer {cast.token}"}
    told = Client().get(f"/api/v1/actions/{found.pk}", headers=head).json()
    assert (told["state"], told["executed"]) == ("unknown", False) and told["doubt"]["next_try_at"]
    assert "do not send the call again" in told["doubt"]["doing"]
    its_time_comes(found)
    find_out(found)
    assert Client().get(f"/api/v1/actions/{found.pk}", headers=head).json()["doubt"] is None
