"""The engine on the sample policies, and on calls that no connector would make: an answer, always, and never a yes by accident."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import rfc8785
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import plan
from policies.engine.checks import counters
from policies.engine.decide import decide, deny
from policies.engine.document import load
from policies.engine.selftest import request_from, run_tests
from policies.engine.types import Request
from policies.engine.yaml_out import dump

ROOT = Path(__file__).parents[2]
WORLD = ROOT / "sample" / "world"
SUPPORT = load((WORLD / "support.policy.yaml").read_text())
CASES = yaml.safe_load((Path(__file__).parent / "cases" / "refunds.yaml").read_text())["cases"]
REFUND = request_from(next(case["request"] for case in CASES if case["effect"] == "approval"))


@pytest.mark.parametrize("name", ["support", "front-desk"])
def test_sample_documents_pass_their_own_tests(name):
    results = run_tests(load((WORLD / f"{name}.policy.yaml").read_text()))
    assert results and [result for result in results if result.failure] == []


class Trap(Mapping):
    """Arguments that cannot be read."""

    def __getitem__(self, name):
        raise RuntimeError("no")

    def __iter__(self):
        raise RuntimeError("no")

    def __len__(self):
        return 1


@pytest.mark.parametrize(
    "broken",
    [
        {"money": object()}, {"agent": {}}, {"requester": None}, {"usage": None}, {"fields": None}, {"fields": {1: 2, "a": 3}},
        {"fields": Trap()}, {"arguments": Trap()}, {"record": Trap()}, {"arguments": {"amount": object()}}, {"agent": None}, {"tripped": None},
    ],
    ids=[str(number) for number in range(12)],
)  # fmt: skip
def test_a_call_that_breaks_the_engine_is_denied(broken):
    assert decide(SUPPORT, REFUND).effect == "approval"
    decision = decide(SUPPORT, replace(REFUND, **broken))
    if "tripped" in broken or "requester" in broken:
        assert decision.effect in ("approval", "deny")  # Nothing of this policy may look there.
        return
    assert decision.effect == "deny" and decision.route is None and not decision.holds


def test_an_error_inside_says_its_kind_and_nothing_else():
    decision = decide(SUPPORT, replace(REFUND, money=object()))
    assert decision.reason == "The decision could not be made (AttributeError), so the answer is no."
    assert [(check.name, check.outcome, check.rule, check.value) for check in decision.checks] == [
        ("Engine", "denied", "engine", "error")
    ]
    assert (decision.mode, decision.tier) == ("off", "execute-with-approval")


def test_a_time_without_a_zone_is_denied_where_a_freeze_asks():
    text = """
policy: {slug: a, name: A}
roles: {r: {tier: autonomous, tools: {a.b: {}}}}
freezes: [{id: f, when: {}, days: [mon], start: "10:00", end: "11:00", reason: Shut.}]
"""
    tool = {"name": "a.b", "resource_type": "a", "effect_class": "read", "reversibility": "reversible"}
    request = request_from({"role": "r", "tool": tool, "at": "2026-11-21T08:00Z"})
    assert decide(load(text), request).effect == "allow"
    assert decide(load(text), replace(request, at=request.at.replace(tzinfo=None))).effect == "deny"


def test_a_denial_from_outside_is_told_like_any_other():
    decision = deny(
        SUPPORT, version=3, name="Target", rule="target", reason="It could not be read.", remedy="Ask again later."
    )
    assert (decision.effect, decision.mode, decision.tier, decision.reason) == (
        "deny",
        "off",
        "",
        "It could not be read.",
    )
    assert deny(SUPPORT, version=3, name="Target", rule="target", reason="It could not be read.").checks[0].remedy == ""
    assert decision.policy == {"slug": "support", "name": "Support", "version": 3, "digest": SUPPORT.digest}
    assert decision.checks[0]._asdict() == {
        "name": "Target", "outcome": "denied", "rule": "target", "value": None, "threshold": None,
        "reason": "It could not be read.", "remedy": "Ask again later.", "field": None,
    }  # fmt: skip
    assert rfc8785.dumps(decision.to_json())


def test_a_decision_names_its_policy_and_version():
    assert decide(SUPPORT, REFUND, version=7).policy["version"] == 7 and decide(SUPPORT, REFUND).policy["version"] == 0
    unknown = decide(SUPPORT, replace(REFUND, role="nobody"), version=7)
    assert unknown.policy == {"slug": "support", "name": "Support", "version": 7, "digest": SUPPORT.digest} and (
        unknown.mode,
        unknown.tier,
    ) == ("off", "")


def test_counters_to_read_are_those_that_will_be_held():
    decision = decide(SUPPORT, REFUND)
    assert (
        counters(SUPPORT, REFUND)
        == {hold.key: hold.window_seconds for hold in decision.holds}
        == {"refund.daily:agent:agt_test": 86400}
    )
    assert counters(SUPPORT, replace(REFUND, role="nobody")) == {}


def test_plans_are_kept_and_bounded(monkeypatch):
    monkeypatch.setattr(plan, "MAX_PLANS", 3)
    document = load((WORLD / "support.policy.yaml").read_text())
    for number in range(10):
        tool = replace(REFUND.tool, name=f"desk.t{number}")
        assert decide(document, replace(REFUND, tool=tool)).effect == "deny"
        assert len(document.plans) <= 3
    assert [key[1] for key in document.plans] == ["desk.t7", "desk.t8", "desk.t9"]
    kept = list(document.plans.values())
    decide(document, replace(REFUND, tool=replace(REFUND.tool, name="desk.t8")))
    assert list(map(id, document.plans.values())) == list(map(id, kept)), "what is kept is not made again"
    decide(document, replace(REFUND, tool=replace(REFUND.tool, name="desk.t10")))
    assert list(map(id, document.plans.values()))[:2] == list(map(id, kept[1:])), "only the one kept longest goes"
    plan_for = partial(plan.plan_for, document, document.roles["refunds"], at=REFUND.at)
    other, first = plan_for(replace(REFUND.tool, name="x.y")), plan_for(REFUND.tool)
    assert plan_for(replace(REFUND.tool, name="x.y")) is other and plan_for(REFUND.tool) is first
    for other in (
        {"resource_type": "x"},
        {"effect_class": "read"},
        {"reversibility": "reversible"},
        {"returns_rows": True},
        {"name": "x"},
    ):
        assert plan_for(replace(REFUND.tool, **other)) is not first


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
records = st.dictionaries(st.text(max_size=8), json_values, max_size=4)
requests = st.sampled_from([request_from(case["request"]) for case in CASES])


@settings(max_examples=200, deadline=None)
@given(requests, records, records, records)
def test_any_call_gives_an_answer_that_can_be_kept(request: Request, arguments, record, fields):
    decision = decide(
        SUPPORT, replace(request, arguments=arguments, record=record, fields={**request.fields, **fields})
    )
    assert decision.effect in ("allow", "draft", "approval", "deny") and rfc8785.dumps(decision.to_json())
    assert decision.effect == "deny" or set(fields) - set(request.fields) <= set(decision.refused_fields) | {
        "status",
        "note",
        "to",
    }


AMOUNTS = {
    ("USD", 123456): "$1,234.56", ("EUR", 5): "€0.05", ("GBP", 0): "£0.00", ("SEK", 123456): "1,234.56 SEK", ("JPY", 123456): "123,456 JPY",
    ("KWD", 1234567): "1,234.567 KWD", ("CHF", 10**15): "10,000,000,000,000.00 CHF",
}  # fmt: skip


def limited(**terms):
    limit = {"id": "l", "name": "Limit", "when": {}, "over": "deny", **terms}
    roles = {"r": {"tier": "autonomous", "tools": {"a.b": {}}}}
    return load(dump({"policy": {"slug": "a", "name": "A"}, "roles": roles, "limits": [limit]}))


def said(document, **given):
    tool = {"name": "a.b", "resource_type": "a", "effect_class": "write", "reversibility": "reversible"}
    decision = decide(document, request_from({"role": "r", "tool": tool, "agent": {"id": "g"}, **given}))
    return decision.checks[1].reason, decision.checks[1].remedy, decision.nearest


@pytest.mark.parametrize(("currency", "amount"), AMOUNTS)
def test_amounts_are_written_with_the_digits_of_their_currency(currency, amount):
    document = limited(kind="money", per="action", currency=currency, max=amount)
    shown = AMOUNTS[currency, amount]
    reason, remedy, _ = said(document, money={"amount": amount, "currency": currency})
    assert (reason, remedy) == (f"{shown} of {shown} for this action.", "")
    _, _, nearest = said(
        limited(kind="money", per="action", currency=currency, max=0), money={"amount": amount, "currency": currency}
    )
    assert (nearest is not None) == (amount > 0)


def test_limits_say_what_was_asked_what_there_is_and_what_to_do():
    spend = limited(kind="money", per="action", currency="USD", max=100)
    assert said(spend, money={"amount": 101, "currency": "USD"})[:2] == (
        "$1.01 is over the limit of $1.00.",
        "Ask for less.",
    )
    assert said(spend, money={"amount": 1, "currency": "EUR"})[:2] == (
        "The amount cannot be compared with $1.00, so it is denied.", "Use the limit's currency.",
    )  # fmt: skip
    assert said(spend, money={"amount": -1, "currency": "USD"})[1] == "Give an amount."
    budget = limited(kind="money", per="agent", currency="USD", max=100, window="1d")
    assert said(budget, money={"amount": 60, "currency": "USD"}, usage={"l:agent:g": 50})[:2] == (
        "$0.60 would bring the last day to $1.10, over the limit of $1.00.", "Wait until the window has room, or ask for less.",
    )  # fmt: skip
    assert (
        said(budget, money={"amount": 50, "currency": "USD"}, usage={"l:agent:g": 50})[0]
        == "$1.00 of $1.00 for the last day."
    )


@pytest.mark.parametrize(
    ("window", "words"),
    [("1d", "day"), ("7d", "7 days"), ("24h", "day"), ("25h", "25 hours"), ("1h", "hour"), ("60min", "hour"), ("90min", "90 minutes"),
     ("1min", "minute"), ("60s", "minute"), ("90s", "90 seconds"), ("1s", "second")],
)  # fmt: skip
def test_windows_are_written_in_the_largest_unit_that_fits(window, words):
    calls = limited(kind="count", per="agent", max=1, window=window)
    assert said(calls)[0] == f"1 call of 1 call for the last {words}."
    assert (
        said(calls, usage={"l:agent:g": 1})[0]
        == f"1 call would bring the last {words} to 2 calls, over the limit of 1 call."
    )


def test_an_invariant_that_names_no_remedy_says_that_no_approval_helps():
    text = (
        "policy: {slug: a, name: A}\nroles: {r: {tier: autonomous, tools: {a.b: {}}}}\n"
        'invariants: [{id: never, when: {}, forbid: "true", reason: Never.}]\n'
    )
    tool = {"name": "a.b", "resource_type": "a", "effect_class": "read", "reversibility": "reversible"}
    checks = decide(load(text), request_from({"role": "r", "tool": tool})).checks
    assert [check.remedy for check in checks if check.outcome == "denied"] == [
        "No approval can override this. Change the request."
    ]
