"""A rule may end: from that instant on the tool asks more, by no clock but the request's own time."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.checks import counters, mode_for
from policies.engine.decide import decide
from policies.engine.diff import LOOSENS, NEUTRAL, TIGHTENS, compare
from policies.engine.document import load
from policies.engine.merge import merge
from policies.engine.problems import PolicyError
from policies.engine.selftest import request_from, run_tests
from policies.engine.shipgate import assess
from policies.engine.types import STRENGTH, ToolFacts
from policies.engine.yaml_out import dump
from tests.policies import generated as made
from tests.policies import generated_calls as calls

END = datetime(2026, 12, 21, 10, tzinfo=UTC)
UNTIL = "2026-12-21T10:00Z"
AUTO = {"mode": "auto", "until": UNTIL}
LEAD = {"steps": [{"name": "Lead", "group": "leads"}]}
BOTH = {"steps": [{"name": "Lead", "group": "leads"}, {"name": "Finance", "group": "finance"}]}
FACTS = {"a.b": ToolFacts("a.b", "a", "side_effect", "compensable", moves_money=True)}
PATH = ("roles", "r", "tools", "a.b")


def document(rule, **parts):
    role = {"tier": "autonomous", "tools": {"a.b": rule}, **parts.pop("role", {})}
    return {"policy": {"slug": "p", "name": "P"}, "roles": {"r": role}, "routes": {"lead": LEAD, "both": BOTH}, **parts}


def loaded(rule, **parts):
    return load(dump(document(rule, **parts)))


def at(instant, **given):
    tool = {"name": "a.b", "resource_type": "a", "effect_class": "side_effect", "reversibility": "compensable"}
    return replace(request_from({"role": "r", "tool": tool, **given}), at=instant)


JUST_BEFORE = END - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (AUTO, "allow", "deny"),
        (AUTO | {"route": "lead"}, "allow", "approval"),
        (AUTO | {"route": "lead", "then": "off"}, "allow", "deny"),
        (AUTO | {"then": "draft"}, "allow", "draft"),
        ({"mode": "draft", "until": UNTIL}, "draft", "deny"),
        ({"mode": "draft", "route": "lead", "until": UNTIL}, "draft", "approval"),
        ({"mode": "approval", "route": "lead", "until": UNTIL}, "approval", "deny"),
    ],
)
def test_the_mode_changes_at_that_very_instant(rule, before, after):
    doc = loaded(rule)
    assert [decide(doc, at(when)).effect for when in (JUST_BEFORE, END, END + timedelta(days=900))] == [
        before, after, after,
    ]  # fmt: skip
    assert decide(doc, at(JUST_BEFORE)).effect == before, "What was worked out for later says nothing of before."


def test_approval_after_the_end_is_by_the_rules_own_route():
    asked = decide(loaded(AUTO | {"route": "lead"}), at(END))
    assert asked.route is not None and asked.route.name == "lead"
    assert decide(loaded(AUTO | {"route": "lead"}), at(JUST_BEFORE)).route is None


def test_the_check_says_until_when_and_that_it_ended():
    doc = loaded(AUTO | {"route": "lead"})
    heads = [decide(doc, at(when)).checks[0].reason for when in (JUST_BEFORE, END)]
    assert heads == [
        "a.b may run automatically for role r until 2026-12-21 10:00 UTC.",
        "a.b needs approval, because the rule that asked less ended at 2026-12-21 10:00 UTC.",
    ]
    off = decide(loaded(AUTO), at(END))
    assert off.reason == "a.b is off for role r, because the rule that asked less ended at 2026-12-21 10:00 UTC."
    asks = decide(loaded({"mode": "approval", "route": "lead", "until": UNTIL}), at(JUST_BEFORE))
    assert asks.checks[0].reason == "a.b needs approval until 2026-12-21 10:00 UTC."


def test_p5_a_time_without_a_zone_is_denied_where_a_rule_ends():
    decision = decide(loaded(AUTO), at(datetime(2026, 1, 1)))  # noqa: DTZ001 - that is what is asked about
    assert (decision.effect, decision.checks[0].name) == ("deny", "Engine")


def test_limits_count_alike_before_and_after():
    limit = {"id": "l", "when": {}, "kind": "count", "per": "agent", "max": 1, "window": "1d", "over": "deny"}
    doc = loaded(AUTO | {"route": "lead"}, limits=[limit])
    for when in (JUST_BEFORE, END):
        assert counters(doc, at(when, agent={"id": "g"})) == {"l:agent:g": 86400}


REFUSED = {
    "looser": ({"mode": "approval", "route": "lead", "until": UNTIL, "then": "draft"}, "then", "Use one of: off."),
    "the same": ({"mode": "draft", "until": UNTIL, "then": "draft"}, "then", "Use one of: approval, off."),
    "auto": (AUTO | {"then": "auto"}, "then", "'auto' is not one of"),
    "off ends nothing": ({"mode": "off", "until": UNTIL}, "until", "Nothing is stricter than off: remove until."),
    "no mode": ({"until": UNTIL}, "", "until stands only beside mode. Add mode, or remove until."),
    "no end": ({"mode": "auto", "then": "off"}, "", "then stands only beside until. Add until, or remove then."),
    "no route": (AUTO | {"then": "approval"}, "then", "Approval needs a route. Name who decides."),
    "no day": (AUTO | {"until": "2026-02-30T10:00Z"}, "until", "This is no time"),
    "no zone": (AUTO | {"until": "2026-02-03T10:00"}, "until", "is not a time. Write UTC as"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_loosen_by_time_alone_is_refused_with_its_place(name):
    rule, term, words = REFUSED[name]
    with pytest.raises(PolicyError) as refused:
        loaded(rule)
    path = ".".join((*PATH, term)).rstrip(".")
    assert [(problem.path, words in problem.message) for problem in refused.value.problems] == [(path, True)]


@settings(max_examples=100, deadline=None)
@given(made.documents(), st.sampled_from(calls.TIMES), st.sampled_from(calls.TIMES))
def test_time_alone_never_loosens_a_mode(plain, one, other):
    doc = made.loads(plain)
    for role in doc.roles.values() if doc else ():
        for facts in calls.FACTS.values():
            early, late = (mode_for(role, facts.name, facts.effect_class, when) for when in sorted((one, other)))
            assert STRENGTH[late] >= STRENGTH[early]


def test_its_own_tests_may_name_the_time():
    tool = {"name": "a.b", "resource_type": "a", "effect_class": "side_effect", "reversibility": "compensable"}
    tests = [
        {"name": name, "given": {"role": "r", "tool": tool, "at": when}, "expect": {"effect": effect}}
        for name, when, effect in (("before", "2026-12-21T09:59Z", "allow"), ("after", UNTIL, "deny"))
    ]
    assert [result.failure for result in run_tests(loaded(AUTO, tests=tests))] == [None, None]
    swapped = [tests[0] | {"expect": {"effect": "deny"}}, tests[1] | {"expect": {"effect": "allow"}}]
    assert all(result.failure for result in run_tests(loaded(AUTO, tests=swapped)))


LATER = AUTO | {"until": "2027-01-21T10:00Z"}
ASKS = {"mode": "approval", "route": "lead"}
DIFFS = [
    (ASKS, AUTO | {"route": "lead"}, {LOOSENS}),  # Asks less for a while, and then as before.
    ({"mode": "auto"}, AUTO, {TIGHTENS}),
    (AUTO, {"mode": "auto"}, {LOOSENS}),
    (AUTO, LATER, {LOOSENS}),
    (LATER, AUTO, {TIGHTENS}),
    (ASKS, AUTO, {LOOSENS, TIGHTENS}),  # Runs by itself for a while, and is off where people were asked.
    (AUTO | {"route": "lead"}, AUTO | {"then": "off"}, {TIGHTENS}),
    (AUTO | {"route": "lead"}, AUTO | {"route": "lead", "then": "approval"}, {NEUTRAL}),
    (AUTO, AUTO | {"until": "2026-12-21T10:00:00Z"}, {NEUTRAL}),
    (AUTO | {"route": "lead"}, AUTO | {"route": "both"}, {TIGHTENS}),
    (AUTO | {"route": "both"}, AUTO | {"route": "lead"}, {LOOSENS}),
    (AUTO, AUTO | {"until": "2026-02-30T10:00Z"}, {LOOSENS}),
]


@pytest.mark.parametrize(("old", "new", "effects"), DIFFS)
@pytest.mark.parametrize("facts", [None, FACTS])
def test_every_span_of_time_is_compared(old, new, effects, facts):
    diff = compare(document(old), document(new), facts)
    assert {change.effect for change in diff.changes} == effects
    assert all(change.path[:4] == PATH for change in diff.changes)


def test_the_difference_says_the_end_and_the_span_it_judges():
    (told,) = compare(document(ASKS), document(AUTO | {"route": "lead"}), FACTS).changes
    assert told.label == "a.b for R: Approval by lead becomes Auto until 2026-12-21T10:00Z, then Approval by lead."
    assert told.why == "Auto is less strict than Approval until 2026-12-21 10:00 UTC."
    (told,) = compare(document(AUTO), document(LATER), FACTS).changes
    assert told.why == "Auto is less strict than Off from 2026-12-21 10:00 UTC until 2027-01-21 10:00 UTC."


def test_two_people_who_set_different_ends_of_one_cell_are_asked():
    base, theirs, yours = (document(rule) for rule in (ASKS, AUTO, LATER))
    (conflict,) = merge(base, theirs, yours).conflicts
    assert conflict.path == PATH and (conflict.theirs, conflict.yours) == (AUTO, LATER)
    assert merge(base, theirs, deepcopy(base)).result == theirs


def test_the_text_keeps_the_end_as_it_was_written():
    plain = document(AUTO | {"route": "lead", "then": "approval"})
    assert load(dump(plain)).plain == plain
    assert f"a.b: {{mode: auto, route: lead, until: {UNTIL}, then: approval}}" in dump(plain).replace("'", "").replace(
        '"', ""
    )


def control(plain, key):
    (gate,) = assess(plain, FACTS, at=END + timedelta(days=1))
    return next(found for row in gate.rows for found in row.controls if found.key == key)


def test_the_ship_gate_judges_every_mode_the_tool_will_have():
    draft = {"mode": "draft", "until": UNTIL}
    assert control(document(draft), "side_effect.multi_step_approvals").met
    one, two = (document(draft | {"route": route}) for route in ("lead", "both"))
    assert not control(one, "side_effect.multi_step_approvals").met, "Then one person decides alone."
    assert control(two, "side_effect.multi_step_approvals").met
    ended = control(document(AUTO), "side_effect.multi_step_approvals")
    assert "runs by itself" in ended.sentence, "A rule that ended may be live again by a revert: it is judged as it is."
