"""What a comparison tells: rules by their ids, tiers, routes that displace others, first versions, and the matrix."""

from copy import deepcopy
from pathlib import Path

import pytest

from policies.engine.diff import cells, compare
from policies.engine.document import load
from tests.policies.test_diff import BASE, FACTS, GONE, STEPS, L, M, N, S, T, edited, field, tool

WORLD = Path(__file__).parent.parent.parent / "sample" / "world"


def test_the_order_of_lists_and_names_means_nothing():
    new = deepcopy(BASE)
    for section in ("invariants", "limits", "freezes"):
        new[section].reverse()
    new["roles"]["refunds"]["tools"] = dict(reversed(new["roles"]["refunds"]["tools"].items()))
    assert compare(BASE, new, FACTS).changes == ()


def test_a_rule_that_takes_another_ids_place_is_one_removed_and_one_added():
    diff = compare(BASE, edited(("limits", 1, "id"), "hourly"), FACTS)
    assert [(change.path[1], change.effect) for change in diff.changes] == [("daily", L), ("hourly", T)]
    assert diff.verdict == M


def test_swapping_require_for_forbid_loosens():
    new = deepcopy(BASE)
    new["invariants"][0]["forbid"] = new["invariants"][0].pop("require")
    assert compare(BASE, new).verdict == L


def test_over_approval_to_deny_tightens_and_back_loosens():
    new = deepcopy(BASE)
    new["limits"][0] |= {"over": "deny"}
    del new["limits"][0]["route"]
    assert (compare(BASE, new).verdict, compare(new, BASE).verdict) == (T, L)


def test_a_tier_without_facts_is_judged_over_every_effect_class():
    new = edited(("roles", "refunds", "tier"), "draft-only")
    tiers = [change for change in compare(BASE, new).changes if change.section == "roles"]
    assert {change.effect for change in tiers} == {T, L}  # write: approval to draft; side effects: approval to off
    assert compare(BASE, edited(("roles", "refunds", "tier"), "autonomous")).verdict == L
    assert compare(BASE, edited(("roles", "refunds", "tier"), "read-only")).verdict == T


def test_a_tier_with_facts_is_told_tool_by_tool():
    old = edited(tool("desk.mail.send"), {})
    diff = compare(old, edited(("roles", "refunds", "tier"), "read-only", old), FACTS)
    told = {change.path: change.effect for change in diff.changes}
    assert told == {("roles", "refunds", "tier"): N, tool("desk.mail.send"): T}


def test_a_first_version_names_everything_it_grants():
    diff = compare(None, BASE, FACTS)
    assert diff.verdict == "first"
    granted = {change.path for change in diff.loosening}
    assert {("roles", "refunds"), *(tool(name) for name in FACTS), (*field("write"), "note")} <= granted
    assert all(change.effect == N for change in diff.changes if change.section == "scopes")


def test_cells_hold_the_matrix_before_and_after():
    new = edited(tool("desk.account.update"), GONE)
    new["roles"]["reader"] = {"tier": "read-only", "tools": {"desk.order.get": {}}}
    found = cells(BASE, new, FACTS)
    assert found["refunds", "desk.account.update"] == ("auto", "off")
    assert found["reader", "desk.order.get"] == ("off", "auto")
    assert found["refunds", "desk.refund.create"] == ("approval", "approval")
    assert len(found) == 2 * len(FACTS) and cells(None, BASE, FACTS)["refunds", "desk.order.get"] == ("off", "auto")


@pytest.mark.parametrize("name", ["support", "front-desk"])
def test_a_sample_compared_with_itself_says_nothing(name):
    plain = load((WORLD / f"{name}.policy.yaml").read_text()).plain
    assert compare(plain, deepcopy(plain)).changes == () and compare(plain, plain).verdict == S


def test_an_added_rule_says_what_it_does():
    bare = {name: BASE[name] for name in ("policy", "roles", "routes")}
    labels = [change.label for change in compare(bare, BASE, FACTS).changes]
    assert labels == [
        "Invariant Known domains is added: require “size(recipients) == 1”.",
        "Invariant huge is added: forbid “args.amount > 900”.",
        "Limit each is added: $100.00 per action, then approval by two.",
        "Limit daily is added: 50 calls per agent in 1d, then deny.",
        "Breaker failing is added: more than 5 failures per agent in 1h.",
        "Demotion down is added: refunds to draft-only above 10 % rollbacks in 30d.",
        "Freeze books is added: 2026-12-30T00:00Z to 2027-01-02T00:00Z.",
        "Freeze night is added: every mon and tue from 22:00 to 06:00 UTC.",
        "card of desk.order: not listed becomes redacted as card number.",
        "Waiver glass is added: side_effect.break_glass for every role until 2027-06-30T00:00Z.",
        "Test Reads is added.",
    ]


def by_tier(**routes):
    """A tool that asks by its tier, and so follows the document's strictest route."""
    plain = edited(tool("desk.refund.create"), {})
    return {**plain, "routes": {name: BASE["routes"][name] for name in routes}, "limits": []}


def test_approvals_that_name_no_route_follow_the_strictest():
    both, one, two, none = by_tier(one=1, two=1), by_tier(one=1), by_tier(two=1), by_tier()
    assert compare(both, one, FACTS).verdict == L
    (told,) = compare(both, one, FACTS).loosening
    assert told.label == "Approvals that name no route: two becomes one."
    assert compare(both, two, FACTS).verdict == S
    assert (compare(none, one, FACTS).verdict, compare(one, none, FACTS).verdict) == (L, T)
    unasked = {**deepcopy(one), "roles": {}}
    assert compare({**unasked, "routes": {}}, unasked, FACTS).verdict == S


def test_a_longer_route_of_other_people_displaces_the_one_a_call_had():
    lone = {"steps": [{"name": "Legal", "group": "legal"}]}
    old = edited(tool("desk.refund.create"), {"mode": "approval", "route": "three"})
    old["routes"]["three"] = lone
    old["limits"] = []
    limit = BASE["limits"][0]
    (told,) = compare(old, {**old, "limits": [limit]}, FACTS).loosening
    assert told.path == (*tool("desk.refund.create"), "route")
    assert told.label == "desk.refund.create for Refunds: some calls decided by three may be decided by two."
    assert compare(old, {**old, "limits": [limit | {"when": {"roles": ["other"]}}]}, FACTS).verdict == T
    kept = {**old, "limits": [limit], "routes": {**old["routes"], "two": {"steps": [*STEPS, lone["steps"][0]]}}}
    assert compare({**kept, "limits": []}, kept, FACTS).verdict == T


def test_a_limit_that_is_lowered_may_hand_calls_to_another_route():
    old = edited(tool("desk.refund.create"), {"mode": "approval", "route": "three"})
    old["routes"]["three"] = {"steps": [{"name": "Legal", "group": "legal"}]}
    new = deepcopy(old)
    assert compare(old, new, FACTS).changes == ()
    new["limits"][0]["max"] = 1
    assert compare(old, new, FACTS).verdict == M
    new["limits"][0] = old["limits"][0] | {"name": "Spend limit"}
    assert compare(old, new, FACTS).verdict == S


def test_a_route_told_in_other_words_hands_no_call_to_others():
    old = edited(tool("desk.refund.create"), {"mode": "approval", "route": "three"})
    old["routes"]["three"] = {"steps": [{"name": "Legal", "group": "legal"}]}
    new = deepcopy(old)
    new["routes"]["three"]["steps"][0]["name"] = "Lawyers"
    new["limits"][0]["when"] = {"roles": []}
    new["routes"]["two"]["separation"].reverse()
    assert compare(old, new, FACTS).verdict == S


def test_a_mask_that_goes_shows_what_is_listed_below_it():
    old = edited(field("read"), ["address.city"])
    old["roles"]["refunds"]["fields"]["desk.account"]["mask"] = {"address": "place"}
    told = {change.path[-1]: change.effect for change in compare(old, edited(field("mask"), {}, old), FACTS).changes}
    assert told == {"address": T, "address.city": L}


def test_writing_what_is_left_where_the_action_was_refused_loosens():
    strict = edited(field("unlisted"), "refuse_action")
    (told,) = compare(strict, BASE, FACTS).changes
    assert told.effect == L
    assert told.label == (
        "desk.account for Refunds, on a field that is not listed: the action refused becomes the field refused."
    )
