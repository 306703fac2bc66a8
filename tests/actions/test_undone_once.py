"""An action is undone once, and what undid it is not undone in turn: what is told of it stays true (P10)."""

import pytest

from actions.execution import run
from actions.models import Action, Rollback
from actions.rollback import RollbackRefused, finish, preview
from actions.rollback.run import advance
from approvals.models import ApprovalRequest
from tests.actions.undoing import ESCALATE, UPDATE, undo, undo_all, with_compensation, wrote
from tests.builders import planned, publish, request_of, sample_plain, vote, work
from traces.models import Entry
from traces.show import show

ACCOUNT = "/accounts/acct_5521"


def reload(action: Action) -> Action:
    return Action.objects.get(pk=action.pk)


@pytest.fixture
def made_up_for(cast) -> Action:
    """An action that another call made up for."""
    with_compensation(cast)
    step = {"title": "Close", "tool": ESCALATE, "arguments": {"ticket_id": "88213", "fields": {"status": "closed"}}}
    trace = planned(cast, [step])
    vote(cast, request_of(trace, ESCALATE), "ken")
    work(trace)
    done = Action.objects.get(trace=trace)
    assert undo_all(cast, trace, {done.pk: []}).state == "done"
    return reload(done)


def test_a_second_compensation_is_refused_by_what_happened_and_not_by_the_column(cast, made_up_for):
    Action.objects.filter(pk=made_up_for.pk).update(rollback_state="")  # As a writer that came late left it.
    with pytest.raises(RollbackRefused, match="already rolled back"):
        undo_all(cast, made_up_for.trace, {made_up_for.pk: []})
    assert Action.objects.filter(rollback_of=made_up_for).count() == 1


def test_a_process_that_read_the_undo_before_it_succeeded_does_not_take_its_end_back(cast, made_up_for):
    late = Action.objects.get(rollback_of=made_up_for)
    late.state = "unknown"  # As this process read it, before another found out.
    finish(actor=cast.actor("priya"), undo=late)
    assert reload(made_up_for).rollback_state == "rolled_back"
    told = Entry.objects.filter(trace=made_up_for.trace, type="rollback.finished")
    assert [entry.record["body"]["outcome"] for entry in told] == ["succeeded"]


def test_what_was_undone_is_told_before_its_run_ends(cast, desk):
    """The process that ran the undo died before it said so, and another takes the run further."""
    action = wrote(cast, owner_note="a")
    plain = sample_plain()
    plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
    publish(cast, plain)
    made = undo(cast, action)
    vote(cast, ApprovalRequest.objects.get(action_id=made.pk), "ken")
    assert run(actor=cast.actor("priya"), action_id=made.pk) == "succeeded" and reload(action).rollback_state == ""
    advance(actor=cast.actor("priya"), rollback_id=Rollback.objects.get().pk)
    assert Rollback.objects.get().state == "done" and reload(action).rollback_state == "rolled_back"


class TestOfARollback:
    def test_it_cannot_be_undone_and_what_it_undid_stays_told_as_undone(self, cast, desk):
        action = wrote(cast, owner_note="a")
        made = reload(undo(cast, action))
        assert (made.inverse["how"], preview(made).how) == ("none", "none")
        with pytest.raises(RollbackRefused, match="It is itself a rollback"):
            undo(cast, made, ["owner_note"])
        assert desk.read(ACCOUNT)["owner_note"] == "" and reload(action).rollback_state == "rolled_back"
        assert not show(made.trace, tab="")[0].can_roll_back

    def test_one_whose_inverse_was_recorded_by_an_earlier_release_neither(self, cast, desk):
        action = wrote(cast, owner_note="a")
        made = undo(cast, action)
        row = {"field": "owner_note", "kind": "changed", "old": "", "new": "a"}
        Action.objects.filter(pk=made.pk).update(inverse={"how": "restore", "rows": [row], "stays": []})
        with pytest.raises(RollbackRefused, match="It is itself a rollback"):
            undo(cast, reload(made), ["owner_note"])
        assert desk.read(ACCOUNT)["owner_note"] == ""

    def test_who_decides_on_it_is_told_so(self, cast):
        action = wrote(cast, owner_note="a")
        plain = sample_plain()
        plain["roles"]["refunds"]["tools"][UPDATE] = {"mode": "approval", "route": "account"}
        publish(cast, plain)
        request = ApprovalRequest.objects.get(action_id=undo(cast, action).pk)
        told = next(row for row in request.displayed["blast"] if row["label"] == "Can be undone?")
        assert (told["value"], told["detail"].split(".")[0]) == ("No", "It is itself a rollback")
