"""Undoing one action: inverse recorded, conflicts named, field by field, decided and approved by itself, once (P10)."""

import threading

import pytest
from celery import current_app
from django.db import connections

from actions.models import Action, Rollback
from actions.rollback import RollbackRefused, preview
from actions.services import go_on
from actions.sweep import sweep
from approvals.models import ApprovalRequest
from tests.actions.undoing import UPDATE, undo, wrote
from tests.builders import publish, sample_plain, vote, work
from traces.ledger import verify
from traces.models import Entry

ACCOUNT, QUEUE = "/accounts/acct_5521", current_app.conf.task_default_queue


def with_approval(cast) -> None:
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)


def reload(action: Action) -> Action:
    return Action.objects.get(pk=action.pk)


def told(trace, type: str) -> list[dict]:
    return [entry.record["body"] for entry in Entry.objects.filter(trace=trace, type=type)]


def test_the_inverse_is_recorded_when_the_action_succeeds(cast):
    action = wrote(cast, owner_note="a", last_contact_reason="  Two   Charges ")
    rows = {row["field"]: (row["old"], row["new"]) for row in action.inverse["rows"]}
    assert action.inverse["how"] == "restore" and rows["owner_note"] == ("a", "")
    assert rows["last_contact_reason"] == (
        "two charges",
        "billing question",
    )  # What the desk stored, not what was sent.
    assert told(action.trace, "action.succeeded")[0]["inverse"] == action.inverse
    assert verify(action.trace).ok


class TestConflicts:
    def test_a_later_edit_of_ours_is_named_by_person_and_time(self, cast, desk):
        first = wrote(cast, owner_note="first")
        second = wrote(cast, owner_note="second")
        row = preview(first).conflicts[0]
        assert (row.field, row.later.action, row.later.at) == ("owner_note", second, second.finished_at)
        with pytest.raises(RollbackRefused, match="owner_note was changed by refunds-agent for Maya Chen, 20"):
            undo(cast, first, ["owner_note"])
        assert desk.read(ACCOUNT)["owner_note"] == "second"

    def test_a_rollback_is_a_later_edit_too(self, cast, desk):
        first = wrote(cast, owner_note="first")
        desk.patch(ACCOUNT, {"owner_note": "by hand"})
        second = wrote(cast, owner_note="second")
        undo(cast, second)
        assert preview(first).conflicts[0].later.who == "changed by Priya Nair"

    def test_an_edit_outside_remit_is_named_with_the_time_the_system_tells(self, cast, desk):
        action = wrote(cast, owner_note="first")
        desk.patch(ACCOUNT, {"owner_note": "by hand"})
        later = preview(action).conflicts[0].later
        assert later.action is None and later.sentence.startswith("changed outside Remit by test, 20")
        desk.patch(ACCOUNT, {"owner_note": "first"})
        assert preview(action).conflicts == []  # It holds what we wrote again.

    def test_moved_between_the_proposal_of_the_undo_and_its_turn_nothing_is_overwritten(self, cast, desk):
        action = wrote(cast, owner_note="first")
        with_approval(cast)
        made = undo(cast, action)
        desk.patch(ACCOUNT, {"owner_note": "by hand"})
        vote(cast, ApprovalRequest.objects.get(action_id=made.pk), "ken")
        work(made.trace)
        assert reload(made).state == "blocked" and desk.read(ACCOUNT)["owner_note"] == "by hand"
        assert reload(action).rollback_state == "" and Rollback.objects.get().state == "stopped"
        assert told(action.trace, "rollback.finished")[0]["rollback_state"] == "rollback_conflict"
        work(made.trace)
        assert len(told(action.trace, "rollback.finished")) == 1


class TestFieldByField:
    def test_only_ticked_fields_are_restored_and_the_rest_can_be_later(self, cast, desk):
        action = wrote(cast, owner_note="a", refund_status="refunded")
        undo(cast, action, ["owner_note"])
        assert (desk.read(ACCOUNT)["owner_note"], desk.read(ACCOUNT)["refund_status"]) == ("", "refunded")
        assert reload(action).rollback_state == "partly_rolled_back"
        with pytest.raises(RollbackRefused, match="choose among the fields it changed: refund_status"):
            undo(cast, reload(action), ["owner_note"])
        undo(cast, reload(action), ["refund_status"])
        assert reload(action).rollback_state == "rolled_back" and desk.read(ACCOUNT)["refund_status"] == "none"

    def test_a_field_that_moved_cannot_be_ticked(self, cast, desk):
        action = wrote(cast, owner_note="a", refund_status="refunded")
        desk.patch(ACCOUNT, {"refund_status": "disputed"})
        with pytest.raises(RollbackRefused, match="refund_status was changed outside Remit"):
            undo(cast, action, ["owner_note", "refund_status"])
        assert desk.read(ACCOUNT)["owner_note"] == "a" and not Rollback.objects.exists()


def rung() -> list[str]:
    """The rows that messages in the tests' queue ring for."""
    with current_app.connection_or_acquire() as wire, wire.SimpleQueue(QUEUE, no_ack=True) as queue:
        return [queue.get(block=False).payload[0][0] for _ in range(len(queue))]


class TestGoverned:
    def test_p10_people_approve_it_where_policy_asks_them_and_not_who_asked(self, cast, desk):
        action = wrote(cast, owner_note="a")
        with_approval(cast)
        made = undo(cast, action)
        request = ApprovalRequest.objects.get(action_id=made.pk)
        assert made.state == "pending" and request.excluded[cast.user("priya").pk]
        with pytest.raises(RollbackRefused, match="A rollback of it is waiting"):
            undo(cast, action)
        vote(cast, request, "ken")
        work(made.trace)
        assert reload(made).state == "succeeded" and desk.read(ACCOUNT)["owner_note"] == ""
        assert reload(action).rollback_state == "rolled_back" and Rollback.objects.get().state == "done"
        with pytest.raises(RollbackRefused, match="already rolled back"):
            undo(cast, reload(action))

    def test_a_rejected_rollback_changed_nothing_and_may_be_asked_for_again(self, cast, desk):
        action = wrote(cast, owner_note="a")
        with_approval(cast)
        made = undo(cast, action)
        vote(cast, ApprovalRequest.objects.get(action_id=made.pk), "ken", "reject", "Keep it.")
        assert Rollback.objects.get().state == "stopped" and desk.read(ACCOUNT)["owner_note"] == "a"
        assert told(action.trace, "rollback.finished")[0]["outcome"] == "rejected"
        assert undo(cast, reload(action)).state == "pending"

    def test_p10_policy_denies_it_as_any_other_call(self, cast, desk):
        action = wrote(cast, owner_note="a")
        plain = sample_plain()
        plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "off"}
        publish(cast, plain)
        assert undo(cast, action).state == "denied" and desk.read(ACCOUNT)["owner_note"] == "a"
        assert reload(action).rollback_state == ""

    def test_one_that_was_left_behind_is_rung_for(self, cast):
        action = wrote(cast, owner_note="a")
        made = undo(cast, action)
        Rollback.objects.update(state="running")  # Its process died before it said so.
        sweep()
        assert made.pk in rung()
        go_on(actor=cast.actor("priya"), action_id=made.pk)
        assert Rollback.objects.get().state == "done" and Action.objects.filter(rollback_of=action).count() == 1


def test_p10_undone_once_however_many_try(transactional_db, cast, desk):
    action, ended = wrote(cast, owner_note="a"), []

    def attempt() -> None:
        try:
            ended.append(undo(cast, action).state)
        except RollbackRefused as error:
            ended.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended.count("succeeded") == 1 and len(ended) == 6 and Rollback.objects.count() == 1
    assert desk.read(ACCOUNT)["owner_note"] == ""
    writes = [one for one in desk.audit() if one["scope"] == "accounts:write" and one["reference"] != "test"]
    undone = set(Action.objects.filter(rollback_of=action).values_list("pk", flat=True))
    assert [one["writes"] for one in writes if one["reference"] in undone] == [1]
