"""A decision is kept exactly as it was made, and its request comes back as it went in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.decide import decide
from policies.engine.document import load
from policies.engine.recorded import decoded, encoded
from policies.engine.types import Money, Request, ToolFacts
from policies.history import record_decision, record_outcome, request_of
from policies.models import DecisionRecord
from tests.policies.past import SUPPORT, Past, refund, update

DOCUMENT = load(SUPPORT)
AT = datetime(2026, 11, 21, 8, 30, 1, 123456, tzinfo=UTC)
SAFE = 2**53 - 1
texts = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(texts, values, max_size=4)
zones = st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))])
requests = st.builds(
    Request,
    role=texts,
    agent=objects,
    requester=objects,
    tool=st.builds(ToolFacts, texts, texts, texts, texts),
    arguments=objects,
    fields=objects,
    record=st.none() | objects,
    money=st.none() | st.builds(Money, st.integers(-SAFE, SAFE), texts),
    recipients=st.lists(texts, max_size=3).map(tuple),
    usage=st.just({}),
    at=st.datetimes(timezones=zones),
    tripped=st.frozensets(texts, max_size=3),
)


@settings(max_examples=300, deadline=None)
@given(requests)
def test_a_request_comes_back_exactly(request: Request):
    text = encoded(request)
    back = decoded(text, {})
    assert back == request
    assert (type(back.recipients), type(back.tripped), back.at.utcoffset()) == (
        tuple,
        frozenset,
        request.at.utcoffset(),
    )
    assert encoded(back) == text


@pytest.mark.parametrize(
    "broken",
    [
        {"arguments": {"a": float("nan")}},
        {"arguments": {"a": (1, 2)}},
        {"arguments": {"a": 2**70}},
        {"fields": {"a": "\ud800"}},
        {"record": {1: "a"}},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - a time without a zone is what is refused
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_what_json_would_change_is_refused(broken):
    with pytest.raises(ValueError):
        encoded(replace(refund(), **broken))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"role": 1}', "null", '{"tool": 3, "money": 4}'])
def test_a_text_that_is_no_request_is_refused(text):
    with pytest.raises(ValueError):
        decoded(text, {})


def test_what_was_said_is_kept(house):
    past = Past(house.workspace)
    record = past.add(update({"owner_note": "Hi", "credit_limit": "9"}), at=AT)
    assert (record.policy, record.version, record.effect, record.rule) == ("support", 1, "allow", "")
    assert (record.refused, record.spoke) == (["credit_limit"], [["fields.desk.account", "denied"]])
    assert (record.role, record.tool, record.effect_class) == ("refunds", "desk.account.update", "write")
    assert (record.at, record.outcome, record.finished_at) == (AT, "open", None)
    assert request_of(record).fields == {"owner_note": "Hi", "credit_limit": "9"}
    # The kept request decides the same again.
    assert decide(DOCUMENT, request_of(record)).refused_fields == ("credit_limit",)


def test_the_rule_that_decided_is_named(house):
    past = Past(house.workspace)
    found = [
        past.add(refund(24000)),
        past.add(update({"credit_limit": "9"})),
        past.add(update(record={"region": "US"})),
    ]
    assert [(record.effect, record.rule) for record in found] == [
        ("approval", "limits.refund.auto"),
        ("deny", "fields.desk.account"),
        ("deny", "roles.refunds.scopes.desk.account"),
    ]
    assert found[0].route == "refund"


def test_a_limit_decides_over_a_tool_in_draft_mode(house):
    document = load(SUPPORT.replace("desk.refund.create: {mode: auto}", "desk.refund.create: {mode: draft}"))
    record = Past(house.workspace, document).add(refund(24000))
    assert (record.effect, record.rule) == ("approval", "limits.refund.auto")
    assert record.spoke == [
        ["roles.refunds.tools.desk.refund.create", "escalated"],
        ["limits.refund.auto", "escalated"],
    ]


def test_a_later_decision_replaces_the_first_and_its_outcome(house):
    first = Past(house.workspace).add(refund(24000), outcome="rejected", waited_s=60)
    request = replace(refund(100), at=AT)
    record_decision(
        workspace_id=house.workspace.pk, action_id=first.action_id, trace_id="trc_1", agent_id=first.agent_id,
        title="Edited", request=request, decision=decide(DOCUMENT, request, version=2),
    )  # fmt: skip
    record = DecisionRecord.objects.get()
    assert (record.pk, record.title, record.version, record.effect) == (first.pk, "Edited", 2, "allow")
    assert (record.outcome, record.waited_s, record.finished_at, record.rule) == ("open", None, None, "")


def test_the_shadow_is_kept_beside_the_decision(house):
    request = replace(refund(), at=AT)
    shadow = decide(load(SUPPORT.replace("max: 10000", "max: 5000")), request)
    record_decision(
        workspace_id=house.workspace.pk, action_id="act_x", trace_id="trc_1", agent_id="agt_x", title="T",
        request=request, decision=decide(DOCUMENT, request), shadow=shadow, shadow_digest="sha256:1",
    )  # fmt: skip
    record = DecisionRecord.objects.get()
    assert (record.effect, record.shadow_effect, record.shadow_rule) == ("allow", "approval", "limits.refund.auto")
    assert (record.shadow_digest, record.shadow_reason) == ("sha256:1", shadow.reason)


def test_an_outcome_is_kept_and_how_long_people_took(house):
    past = Past(house.workspace)
    record = past.add(refund(24000), at=AT)
    kept = record_outcome(action_id=record.action_id, outcome="succeeded", waited_s=220)
    assert kept is not None and (kept.outcome, kept.waited_s) == ("succeeded", 220)
    assert kept.finished_at is not None and kept.finished_at >= past.now
    undone = record_outcome(action_id=record.action_id, outcome="rolled_back")
    assert undone is not None and (undone.outcome, undone.waited_s) == ("rolled_back", 220)
    assert record_outcome(action_id="act_before_history", outcome="failed") is None
    for wrong in ("open", "well", ""):
        with pytest.raises(ValueError):
            record_outcome(action_id=record.action_id, outcome=wrong)
