"""The main job end to end on real parts: a refund over the limit, a field refused, a mail edited and sent, a rollback."""

import pytest

from accounts.models import Agent
from accounts.services import set_agent_state
from actions.edit import edit_payload
from actions.models import Action
from actions.rollback import RollbackRefused, preview, roll_back
from actions.services import call_tool
from policies.models import LimitHold
from tests.builders import action, opened, planned, request_of, vote, work
from traces.ledger import verify
from traces.models import Entry
from traces.show import show


def finished(cast):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas", reason="Duplicate confirmed.")
    draft = request_of(trace, "desk.mail.send")
    text = draft.displayed["payload"]["body"].replace("We guarantee this won't happen again.", "We are sorry.")
    edit_payload(
        actor=cast.actor("maya"), editor=cast.user("maya"), request_id=draft.pk, digest=draft.digest,
        values={"subject": draft.displayed["payload"]["subject"], "body": text},
    )  # fmt: skip
    vote(cast, draft, "maya")
    work(trace)
    trace.refresh_from_db()
    return trace


def test_plan_is_checked_whole_and_only_the_read_runs_before_people_decide(cast, desk):
    trace = planned(cast)
    states = dict(Action.objects.filter(trace=trace).values_list("tool_name", "state"))
    assert states == {
        "desk.order.get": "succeeded", "desk.refund.create": "pending", "desk.account.update": "authorized",
        "desk.mail.send": "pending",
    }  # fmt: skip
    assert desk.read("/orders/48213")["refunds"] == []


def test_whole_story_takes_effect_once_and_is_read_back(cast, desk):
    trace = finished(cast)
    assert trace.outcome == "completed"
    assert len(desk.read("/orders/48213")["refunds"]) == 1
    account = desk.read("/accounts/acct_5521")
    assert (account["refund_status"], account["credit_limit"]) == ("refunded", "5000.00")
    mail = action(trace, "desk.mail.send")
    assert desk.read(f"/mail/{mail.result['remote_id']}")["body"].count("We are sorry.") == 1
    assert all(a.result["verified"] for a in Action.objects.filter(trace=trace).exclude(tool_name="desk.order.get"))


def test_refused_field_is_named_and_stays_in_the_diff(cast):
    update = action(finished(cast), "desk.account.update")
    assert update.decision["refused_fields"] == ["credit_limit"]
    row = next(row for row in update.changes if row["field"] == "credit_limit")
    assert (row["kind"], row["old"], row["denied"]) == ("kept_denied", "5000.00", "12000.00")


def test_silently_normalised_value_is_observed_and_said(cast):
    update = action(finished(cast), "desk.account.update")
    row = next(row for row in update.changes if row["field"] == "last_contact_reason")
    assert row["new"] == "duplicate charge refunded" and row["sent"] == "Duplicate charge refunded"
    assert row["verified"] and row["note"] == "stored by the system in its own form"


def test_p8_each_attempt_has_its_own_narrow_credential_revoked_after(cast, desk):
    trace = finished(cast)
    told = [entry.record["body"] for entry in Entry.objects.filter(trace=trace, type="credential.minted")]
    attempts = {body["credential"] for body in told if body["purpose"] == "attempt"}
    minted = [token for token in desk.audit() if token["id"] in attempts]
    assert sorted(token["scope"] for token in minted) == ["accounts:write", "mail:send", "orders:read", "refunds:write"]
    assert all(token["revoked_at"] is not None and token["ttl"] <= 300 for token in minted)
    assert {t["record"] for t in minted if t["scope"] == "accounts:write"} == {"/accounts/acct_5521"}


def test_p8_no_secret_and_no_sensitive_value_in_the_ledger(cast, desk):
    trace = finished(cast)
    text = "\n".join(Entry.objects.filter(trace=trace).values_list("canonical", flat=True))
    assert desk.client_secret not in text and cast.token not in text and "desk_" not in text
    assert "ap@birch.example" not in text and "1111 4242" not in text


def test_story_page_is_told_from_the_ledger(cast):
    story, integrity = show(finished(cast), tab="")
    assert integrity.ok and verify(Action.objects.first().trace).ok
    assert story.title == "Refunded $240.00 on order 48213, updated 2 account fields and emailed the customer"
    values = [answer["value"] for answer in story.answers]
    assert values == ["Maya Chen", "refunds-agent", "Policy Support v1", "3 records in 1 system", "1 of 3 changes"]
    assert {item["text"] for item in story.exceptions} == {"2 escalations, approved", "1 field blocked"}


def test_limit_is_settled_when_the_refund_ran(cast):
    hold = LimitHold.objects.get(action_id=action(finished(cast), "desk.refund.create").pk)
    assert (hold.amount, hold.state) == (24000, "settled")


def test_rejection_stops_the_plan_and_nothing_ran(cast, desk):
    trace = planned(cast)
    vote(cast, request_of(trace, "desk.refund.create"), "priya", "reject", "The customer withdrew.")
    work(trace)
    states = dict(Action.objects.filter(trace=trace).values_list("tool_name", "state"))
    assert states["desk.refund.create"] == "rejected" and states["desk.account.update"] == "cancelled"
    assert states["desk.mail.send"] == "withdrawn" and request_of(trace, "desk.mail.send").state == "withdrawn"
    assert desk.read("/orders/48213")["refunds"] == []
    assert desk.read("/accounts/acct_5521")["refund_status"] == "none"
    assert set(LimitHold.objects.values_list("state", flat=True)) == {"released"}


def test_f16_target_that_moved_after_the_vote_blocks(cast, desk):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    desk.patch("/accounts/acct_5521", {"owner_note": "changed by someone"})
    vote(cast, refund, "tomas")
    work(trace)
    update = action(trace, "desk.account.update")
    assert update.state == "blocked" and "owner_note" in update.detail
    assert desk.read("/accounts/acct_5521")["refund_status"] == "none"


def test_f16_paused_agent_is_blocked_before_dispatch(cast, desk):
    trace = planned(cast)
    refund = request_of(trace, "desk.refund.create")
    vote(cast, refund, "priya")
    vote(cast, refund, "tomas")
    set_agent_state(actor=cast.actor("priya"), agent=cast.agent, state=Agent.State.PAUSED)
    work(trace)
    assert action(trace, "desk.refund.create").state == "blocked"
    assert desk.read("/orders/48213")["refunds"] == []


def test_p10_rollback_restores_fields_once_in_a_linked_trace(cast, desk):
    trace = finished(cast)
    update = action(trace, "desk.account.update")
    undo = roll_back(actor=cast.actor("priya"), user=cast.user("priya"), action=update, reason="Wrong customer")
    assert undo.state == "succeeded" and undo.trace.rollback_of_id == trace.pk
    assert desk.read("/accounts/acct_5521")["last_contact_reason"] == "billing question"
    update.refresh_from_db()
    assert update.rollback_state == "rolled_back"
    with pytest.raises(RollbackRefused, match=r"already rolled back|changed by someone else"):
        roll_back(actor=cast.actor("priya"), user=cast.user("priya"), action=update, reason="Again")


def test_p10_rollback_leaves_fields_that_moved_since(cast, desk):
    trace = finished(cast)
    desk.patch("/accounts/acct_5521", {"refund_status": "disputed"})
    update = action(trace, "desk.account.update")
    assert [row.field for row in preview(update).conflicts] == ["refund_status"]
    roll_back(actor=cast.actor("priya"), user=cast.user("priya"), action=update, reason="Wrong customer")
    account = desk.read("/accounts/acct_5521")
    assert (account["refund_status"], account["last_contact_reason"]) == ("disputed", "billing question")


def test_account_outside_the_row_scope_is_denied(cast):
    arguments = {"account_id": "acct_7001", "fields": {"refund_status": "refunded"}}
    made = call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool="desk.account.update", arguments=arguments
    )
    assert made.state == "denied" and "out of scope" in made.detail


def test_fields_both_ways_read_withholds_unlisted_fields(cast):
    made = call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool="desk.account.get",
        arguments={"account_id": "acct_5521"},
    )  # fmt: skip
    assert made.result["withheld"] == ["billing_email", "credit_limit"]
    assert "billing_email" not in made.result["record"]


@pytest.mark.parametrize(
    ("fault", "state", "refunds"),
    [
        ("reset_before", "unknown", 0),
        ("reset_after", "unknown", 1),
        ("500_after", "unknown", 1),
        ("not_json", "unknown", 1),
    ],
)
def test_f11_ambiguous_answers_are_unknown_never_failed(cast, desk, fault, state, refunds):
    arguments = {
        "order_id": "48401",
        "charge_id": "ch_3PqRc1",
        "amount": 6000,
        "currency": "USD",
        "reason": "duplicate",
    }
    trace = opened(cast)
    desk.fault(fault)
    made = call_tool(
        actor=cast.agent_actor, agent=cast.agent, trace=trace, tool="desk.refund.create", arguments=arguments
    )
    assert made.state == state
    assert len(desk.read("/orders/48401")["refunds"]) == refunds
