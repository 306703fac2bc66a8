"""What the editor shows beside rules is what happened, counted by hand here."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from policies import usage_stats
from policies.engine.document import load
from policies.engine.expressions import BadExpression
from policies.engine.types import Hold
from policies.limits import release, reserve
from policies.models import DecisionRecord, LimitHold
from policies.usage_stats import (
    SampleRow,
    field_usages,
    last_fired,
    limit_history,
    role_tool_usage,
    scope_sample,
    with_parents,
)
from tests.policies.browsing import Page
from tests.policies.kit import build_house
from tests.policies.past import SUPPORT, Past, refund, update


@pytest.fixture
def past(house) -> Past:
    return Past(house.workspace)


def test_fields_count_where_they_were_really_written(house, past):
    past.add(update({"owner_note": "a", "refund_status": "b"}), outcome="succeeded")
    past.add(update({"owner_note": "a", "credit_limit": "9"}), outcome="succeeded")
    past.add(update({"owner_note": "a"}), outcome="rolled_back")
    past.add(update({"last_contact_reason": "a"}), outcome="failed")
    past.add(update({"last_contact_reason": "a"}))
    past.add(update({"last_contact_reason": "a"}), outcome="succeeded", at=past.ago(days=31))
    found = field_usages(house.workspace.pk, "support", "refunds")["desk.account.update"]
    assert found == {"owner_note": 3, "refund_status": 1}
    assert field_usages(house.workspace.pk, "support", "other") == {}
    assert field_usages(house.workspace.pk, "support", "refunds", tools=["desk.refund.create"]) == {}
    longer = field_usages(house.workspace.pk, "support", "refunds", days=40)["desk.account.update"]
    assert longer["last_contact_reason"] == 1


def test_every_write_of_the_span_is_counted(house, past):
    past.add(update({"owner_note": "a"}), outcome="succeeded")
    (kept,) = DecisionRecord.objects.values()
    kept.pop("id")
    DecisionRecord.objects.bulk_create(DecisionRecord(**{**kept, "action_id": f"act_n{n}"}) for n in range(21_000))
    assert field_usages(house.workspace.pk, "support", "refunds") == {"desk.account.update": {"owner_note": 21_001}}
    DecisionRecord.objects.update(spoke=[["limits.x", "denied"], ["limits.x", "escalated"]], role="clerk")
    assert last_fired(house.workspace.pk, "support") == {"limits.x": (kept["at"], 21_001)}
    page = Page(house, "ken").get("fields/?role=clerk").replace(",", "")
    assert "21001 writes in 30 days" in page and "not written in 30 days" in page


def test_decisions_of_before_are_counted_after_the_upgrade(house, past):
    past.add(update({"owner_note": "a", "refund_status": "b"}), outcome="succeeded")
    old = past.add(update(), outcome="succeeded", at=past.ago(days=32))
    DecisionRecord.objects.update(named=[])
    migration = import_module("policies.migrations.0008_paths_of_decisions")
    migration.name_paths(apps, None)
    found = field_usages(house.workspace.pk, "support", "refunds")
    assert found == {"desk.account.update": {"owner_note": 1, "refund_status": 1}}
    old.refresh_from_db()
    assert old.named == [], "Nobody counts what is older than a month."


def test_where_not_all_calls_are_looked_at_the_page_says_of_which(house, past, monkeypatch):
    monkeypatch.setattr(usage_stats, "MOST", 3)
    limit = load(SUPPORT).limits[0]
    for number in range(1, 5):
        past.add(update(record={"id": str(number)}), outcome="succeeded", at=past.ago(days=number))
        past.add(refund(100), outcome="succeeded", at=past.ago(days=number))
        sample = scope_sample(house.workspace.pk, "support", "refunds", "desk.account", "true")
        said = "Counted over the latest 3 of 4 calls." if number == 4 else ""
        assert (sample.seen, sample.bound, limit_history(house.workspace.pk, "support", limit).bound) == (
            min(number, 3), said, said,
        )  # fmt: skip
    assert said in Page(house, "ken").get("rows/clerk/desk.account/")


@pytest.mark.parametrize(
    ("refused", "counted"),
    [
        ((), {"address", "address.city", "charges", "charges.amount", "['odd.name'].x"}),
        (("address.city",), {"charges", "charges.amount", "['odd.name'].x"}),
    ],
)
def test_a_path_counts_for_every_path_above_it(refused, counted):
    named = ["address.city", "charges.amount", "['odd.name'].x"]
    assert with_parents(named, frozenset(refused)) == counted


def test_rules_say_when_they_last_spoke(house, past):
    past.add(refund(24000), at=past.ago(days=50))
    last = past.add(refund(24000), at=past.ago(days=2))
    past.add(refund(100))
    twice = past.add(update({"owner_note": "a", "credit_limit": "9", "x": 1}))
    assert last_fired(house.workspace.pk, "support") == {
        "limits.refund.auto": (last.at, 2), "fields.desk.account": (twice.at, 1),
    }  # fmt: skip
    assert last_fired(house.workspace.pk, "another") == {}
    assert last_fired(build_house("lakeside").workspace.pk, "support") == {}


def test_a_limit_per_action_shows_the_largest_of_each_day(house, past):
    limit = load(SUPPORT).limits[0]
    yesterday = past.now - timedelta(days=1)
    for amount, outcome in ((2000, "succeeded"), (7000, "succeeded"), (9000, "failed")):
        past.add(refund(amount), outcome=outcome, at=yesterday)
    past.add(refund(3000))
    past.add(refund(8000, money={"amount": 8000, "currency": "EUR"}))
    past.add(update(), outcome="succeeded")
    history = limit_history(house.workspace.pk, "support", limit).days
    assert len(history) == 30 and history[-2:] == (7000, 3000) and sum(history) == 10000


def test_a_windowed_limit_shows_what_it_held(house, past):
    limit = load(SUPPORT).limits[1]
    hold = limit_hold(limit.id)
    for number, (amount, back) in enumerate(((2000, 0), (500, 0), (700, 29), (900, 31))):
        record = past.add(refund(amount), at=past.ago(days=back))
        reserve(workspace_id=house.workspace.pk, policy="support", action_id=record.action_id, holds=[hold(amount)])
        LimitHold.objects.filter(action_id=record.action_id).update(at=midday(past, back))
        if number == 1:
            release(action_id=record.action_id)
    history = limit_history(house.workspace.pk, "support", limit).days
    assert (history[-1], history[0], sum(history)) == (2000, 700, 2700)
    # Another policy's limit of the same name is not this one.
    assert sum(limit_history(house.workspace.pk, "another", limit).days) == 0


def limit_hold(limit_id: str):
    return lambda amount: Hold(f"{limit_id}:agent:x", limit_id, amount, 86400)


def midday(past: Past, back: int) -> datetime:
    """An instant of the day so many days ago that is not in the future."""
    day = (past.now - timedelta(days=back)).astimezone(UTC)
    return day if back == 0 else day.replace(hour=12)


def test_a_new_windowed_limit_shows_what_it_would_have_held(house, past):
    calls = "  - {id: calls, when: {roles: [refunds]}, kind: count, per: role, max: 5, window: 1d, over: deny}"
    source = SUPPORT.replace("limits:\n", f"limits:\n{calls}\n")
    for _ in range(3):
        past.add(refund(100), outcome="succeeded", at=past.now - timedelta(days=1))
    past.add(update({"credit_limit": "1"}))
    history = limit_history(house.workspace.pk, "support", load(source).limits[0]).days
    assert history[-2:] == (3, 0)


def test_a_scope_is_tried_on_the_records_seen_lately(house, past):
    def seen(number: int, region: str, days: int = 0, **more):
        record = {"id": f"acct_{number}", "name": f"Account {number}", "region": region}
        past.add(update(record=record, **more), at=past.ago(days=days))

    seen(1, "US", days=3)
    seen(1, "EU")  # The latest state counts.
    for number in range(2, 8):
        seen(number, "EU")
    seen(8, "US")
    past.add(refund(100))
    sample = scope_sample(house.workspace.pk, "support", "refunds", "desk.account", 'record.region == "EU"')
    assert (sample.in_scope, sample.seen, len(sample.rows)) == (7, 8, 5)
    assert SampleRow("acct_8", "Account 8", in_scope=False) in sample.rows
    assert scope_sample(house.workspace.pk, "support", "new-role", "desk.account", "record.missing == 1").in_scope == 0
    assert scope_sample(house.workspace.pk, "support", "refunds", "desk.none", "true").seen == 0
    with pytest.raises(BadExpression):
        scope_sample(house.workspace.pk, "support", "refunds", "desk.account", "nonsense(")


def test_a_scope_may_look_at_who_asked(house, past):
    mine = {"id": "usr_a", "email": "a@x.example", "name": "A", "groups": [], "roles": []}
    past.add(update(record={"id": "1", "owner": "a@x.example"}, requester=mine))
    past.add(update(record={"id": "2", "owner": "b@x.example"}, requester=mine))
    sample = scope_sample(house.workspace.pk, "support", "refunds", "desk.account", "record.owner == requester.email")
    assert (sample.in_scope, sample.seen) == (1, 2)


def test_usage_by_role_and_tool(house, past):
    for outcome, waited in (("succeeded", 5), ("rejected", 6), ("rejected", 7), ("not_run", None), ("rolled_back", 1)):
        past.add(refund(24000), outcome=outcome, waited_s=waited, at=past.ago(days=3))
    past.add(refund(100), outcome="failed", at=past.ago(days=2))
    last = past.add(update({"credit_limit": "1"}))
    found = role_tool_usage(house.workspace.pk, "support")
    refunds, updates = found["refunds", "desk.refund.create"], found["refunds", "desk.account.update"]
    assert (refunds.count, refunds.allowed, refunds.approvals, refunds.denied) == (6, 1, 5, 0)
    assert (refunds.approved, refunds.rejected, refunds.failed, refunds.rolled_back) == (2, 2, 1, 1)
    assert (updates.count, updates.denied, updates.last_at) == (1, 1, last.at)
    DecisionRecord.objects.update(policy="another")
    assert role_tool_usage(house.workspace.pk, "support") == {}
