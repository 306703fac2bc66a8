"""Statements that are put together from a model's columns do what Django's own would, and touch no row that is not named."""

import pytest

from accounts.clock import DatabaseNow, database_now
from accounts.models import Agent
from accounts.writes import add, change, changed, remove
from policies.models import DecisionRecord, LimitHold


def hold(cast, action: str, **more) -> LimitHold:
    given = {"key": "k", "limit": "l", "amount": 3, "policy": "p", "at": DatabaseNow(), **more}
    return LimitHold(workspace_id=cast.workspaces["northwind"].pk, action_id=action, **given)


def test_rows_are_added_with_the_numbers_that_the_database_gives(cast):
    rows = [hold(cast, "act_a"), hold(cast, "act_b", amount=2**40)]
    before = database_now()
    add(rows)
    kept = {one.pk: one for one in LimitHold.objects.all()}
    assert [(kept[row.pk].action_id, kept[row.pk].amount, kept[row.pk].state) for row in rows] == [
        ("act_a", 3, "reserved"),
        ("act_b", 2**40, "reserved"),
    ]
    assert all(before <= one.at <= database_now() for one in kept.values())


def test_only_rows_that_hold_every_named_value_change(cast):
    add([hold(cast, "act_a"), hold(cast, "act_a", key="other"), hold(cast, "act_b")])
    assert change(LimitHold, {"action_id": "act_a", "key": "k"}, {"state": LimitHold.State.SETTLED, "amount": 7}) == 1
    assert change(LimitHold, {"action_id": "nobody's"}, {"amount": 9}) == 0
    assert sorted(LimitHold.objects.values_list("action_id", "key", "state", "amount")) == [
        ("act_a", "k", "settled", 7),
        ("act_a", "other", "reserved", 3),
        ("act_b", "k", "reserved", 3),
    ]
    assert remove(LimitHold, {"action_id": "act_a"}) == 2 and LimitHold.objects.get().action_id == "act_b"


def test_null_is_found_and_written(cast):
    now = database_now()
    assert change(Agent, {"id": cast.agent.pk, "shut_out_at": None}, {"shut_out_at": now}) == 1
    assert change(Agent, {"id": cast.agent.pk, "shut_out_at": None}, {"shut_out_at": now}) == 0
    assert change(Agent, {"id": cast.agent.pk, "shut_out_at": now}, {"shut_out_at": None}) == 1
    cast.agent.refresh_from_db()
    assert cast.agent.shut_out_at is None


def test_values_of_every_kind_come_back_as_django_wrote_them(cast):
    row = DecisionRecord(
        workspace_id=cast.workspaces["northwind"].pk, policy="p", version=1, action_id="act_x", trace_id="t",
        agent_id="a", role="r", tool="t.x", effect_class="read", title="Ünïcode", request_text="{}", effect="allow",
        refused=["a"], named=["n"], spoke=[["r", {"b": None}]], at=database_now(),
    )  # fmt: skip
    add([row], once="action_id")
    kept = DecisionRecord.objects.get(action_id="act_x")
    names = [field.attname for field in DecisionRecord._meta.concrete_fields]
    assert {name: getattr(kept, name) for name in names} == {name: getattr(row, name) for name in names}
    row.title, row.outcome = "Again", "succeeded"
    add([row], once="action_id")
    again = DecisionRecord.objects.get(action_id="act_x")
    assert (again.pk, again.title, again.outcome) == (kept.pk, "Again", "succeeded")


def test_a_statement_that_names_no_row_touches_none(cast):
    add([hold(cast, "act_a")])
    for wrong in (lambda: change(LimitHold, {}, {"amount": 0}), lambda: remove(LimitHold, {})):
        with pytest.raises(ValueError, match="which rows"):
            wrong()
    assert LimitHold.objects.get().amount == 3


def test_what_is_no_column_is_refused(cast):
    with pytest.raises(ValueError, match="no column"):
        change(Agent, {"id": cast.agent.pk}, {"credentials": None})


def test_changed_rows_come_back_as_django_reads_them(cast):
    row = DecisionRecord(
        workspace_id=cast.workspaces["northwind"].pk, policy="p", version=1, action_id="act_x", trace_id="t",
        agent_id="a", role="r", tool="t.x", effect_class="read", title="Ünïcode", request_text="{}", effect="allow",
        refused=["a"], named=["n"], spoke=[["r", {"b": None}]], at=database_now(),
    )  # fmt: skip
    add([row])
    (found,) = changed(DecisionRecord, {"action_id": "act_x"}, {"outcome": "failed", "finished_at": DatabaseNow()})
    kept = DecisionRecord.objects.get(action_id="act_x")
    names = [field.attname for field in DecisionRecord._meta.concrete_fields]
    assert {name: getattr(found, name) for name in names} == {name: getattr(kept, name) for name in names}
    assert found.outcome == "failed" and found.finished_at is not None and not found._state.adding
    assert changed(DecisionRecord, {"action_id": "nobody's"}, {"outcome": "failed"}) == []
