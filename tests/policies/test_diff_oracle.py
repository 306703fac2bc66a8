"""The verdict against the engine: what is called a tightening never allows more, in any call of any document made here."""

from dataclasses import replace
from itertools import cycle, permutations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policies.engine import limits, paths
from policies.engine.checks import counters
from policies.engine.decide import decide
from policies.engine.diff import LOOSENS, compare
from policies.engine.rows import visible
from tests.policies import generated as made
from tests.policies import generated_calls as calls
from tests.policies import generated_edits as edits

RANK = {"allow": 0, "draft": 1, "approval": 2, "deny": 3}
SAFE = {"tightens", "same"}


def used(document, request, history):
    """What each counter holds, had these calls been made before: (seconds ago, call)."""
    found = {}
    for limit in document.limits:
        window = counters(document, request).get(limits.key(limit, request)) if limit.per != "action" else None
        if window is not None:
            key = limits.key(limit, request)
            counted = [limits.amount(limit, past) or 0 for age, past in history
                       if age < window and limit.when.covers(past) and limits.key(limit, past) == key]  # fmt: skip
            found[key] = sum(counted)
    return found


def decided(document, request, history):
    return decide(document, replace(request, usage=used(document, request, history)))


def weaker_route(old, new):
    """Whether somebody who had to decide need not, may come later, or may now be somebody who was kept out."""
    if not any(stands(old, new, places) for places in permutations(range(len(new.steps)), len(old.steps))):
        return True
    later = new.expires_in_s > old.expires_in_s or not set(old.separation) <= set(new.separation)
    return later or more_people(old, new) or easier_glass(old.break_glass, new.break_glass)


def stands(old, new, places):
    """Whether each old step is at its place in the new: asking nobody else, no fewer, after all it came after."""
    stage = lambda route, place: sum(not step.joins for step in route.steps[: place + 1])  # noqa: E731
    for number, place in enumerate(places):
        was, now = old.steps[number], new.steps[place]
        if now.group != was.group or not set(now.people) <= set(was.people) or now.quorum < was.quorum:
            return False
        # Whoever has all that is asked for now had all that was asked for then.
        if now.attributes and not (was.attributes and set(was.attributes) <= set(now.attributes)):
            return False
        for before in range(number):
            if stage(old, before) < stage(old, number) and stage(new, places[before]) >= stage(new, place):
                return False
    return True


def more_people(old, new):
    """Whether somebody is added who was not, or sooner."""
    return any(
        all(was.to != now.to or was.step != now.step or was.after_s > now.after_s for was in old.escalation)
        for now in new.escalation
    )


def easier_glass(old, new):
    """Whether somebody may skip the steps who might not, or owes less for it."""
    if new is None or old is None:
        return new is not None
    owed = [(route.reason_min, -route.review_within_s) for route in (old, new)]
    other = (old.group, old.review_group) != (new.group, new.review_group) or not set(old.notify) <= set(new.notify)
    return other or any(after < before for before, after in zip(*owed, strict=True))


def weaker(old, new):
    """How one decision allows more than another; empty where it does not."""
    if RANK[new.effect] < RANK[old.effect]:
        return f"{old.effect} became {new.effect}"
    if new.effect == "deny":
        return ""
    if not set(old.refused_fields) <= set(new.refused_fields):
        return f"{old.refused_fields} became {new.refused_fields}"
    if old.effect == new.effect == "approval" and weaker_route(old.route, new.route):
        return f"{old.route} became {new.route}"
    hidden = {path for path in made.PATHS if paths.covering(path, old.redact)}
    shown = {path for path in hidden if not paths.covering(path, new.redact)}
    return f"{shown} is no longer redacted" if shown else ""


def seen(document, role, kind):
    """Every leaf of the record as the role sees it."""
    shown = visible(document, role, kind, calls.RECORD)
    return set(paths.leaves(shown.value)) - set(shown.masked), set(shown.masked)


def sees_more(old, new):
    for role in calls.ROLES:
        for kind in ("acct", "pay"):
            (open_before, masked_before), (open_after, masked_after) = seen(old, role, kind), seen(new, role, kind)
            if not (open_after <= open_before and masked_after <= open_before | masked_before):
                return f"{role} sees more of {kind}"
    return ""


known_tools = st.one_of(st.none(), st.just(calls.FACTS), st.just({"acct.get": calls.FACTS["acct.get"]}))
PATIENT = [HealthCheck.filter_too_much, HealthCheck.too_slow]
EXAMPLES = settings(max_examples=200, deadline=None, suppress_health_check=PATIENT)


def assert_sound(plain, after, tools):
    diff = compare(plain, after, tools)
    assume(diff.verdict in SAFE)
    old, new = made.loads(plain), made.loads(after)
    assume(old is not None and new is not None)
    assert sees_more(old, new) == "", diff
    for request, history in zip(calls.REQUESTS, cycle(calls.HISTORIES)):
        assert weaker(decided(old, request, history), decided(new, request, history)) == "", (request, diff)


@EXAMPLES
@given(st.data(), made.documents(), known_tools)
def test_a_tightening_never_allows_more(data, plain, tools):
    assert_sound(plain, data.draw(edits.edited(plain)), tools)


@pytest.mark.parametrize("part", edits.FOCUS)
@settings(EXAMPLES, max_examples=60)
@given(st.data(), known_tools)
def test_a_tightening_of_one_part_never_allows_more(part, data, tools):
    assert_sound(*data.draw(edits.focused(part)), tools)


@EXAMPLES
@given(made.documents(), made.documents())
def test_two_unlike_documents_are_judged_and_the_way_back_undoes(one, other):
    diff, back = compare(one, other), compare(other, one)
    if diff.verdict == "tightens":
        assert back.verdict in {"loosens", "mixed"}
    assert all(change.label.endswith(".") and change.why.endswith(".") for change in (*diff.changes, *back.changes))
    assert compare(one, one).changes == ()


@EXAMPLES
@given(made.documents())
def test_a_first_version_is_called_so_and_names_all_it_grants(plain):
    diff = compare(None, plain, calls.FACTS)
    assert diff.verdict == "first"
    granted = {change.path for change in diff.changes if change.effect == LOOSENS}
    assert {("roles", name) for name in plain["roles"]} <= granted
