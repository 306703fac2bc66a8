"""What has to hold before a document goes live: each gate holds, fails and says exactly what it found."""

import re
from datetime import timedelta

import pytest

from accounts.clock import database_now
from accounts.models import Agent, Group, User
from accounts.services import join_group, set_agent_state
from policies.engine.yaml_out import dump
from policies.gates import gates, require_gates
from policies.refusals import GatesUnmet
from policies.waivers import Grants
from tests.policies.kit import BASE, TOOLS, build_house, changed

UNSCOPED = (("roles", "clerk", "scopes"), None)
WAIVER = {"id": "w1", "control": "write.per_object_scope", "reason": "Small shop.", "by": "Remit operator"}
NOBODY = Grants((), ())
ALL = [
    "Document", "Expressions", "Tests", "Tools", "Ship gate", "Waivers", "Agents", "Approvers", "On call",
    "Separation of duties",
]  # fmt: skip


def at(days: int) -> str:
    return f"{database_now() + timedelta(days=days):%Y-%m-%dT%H:%MZ}"


def of(house, *edits):
    """The gates by name, for the base document so edited."""
    return {gate.name: gate for gate in gates(house.policy(), dump(changed(*edits)), granted=None)}


def unmet(found) -> list[str]:
    return [name for name, gate in found.items() if not gate.met]


@pytest.mark.parametrize(
    ("when", "said"),
    [({"tools": ["desk.refund.crate"]}, "the tool desk.refund.crate"), ({"resource_types": ["ordr"]}, "resource type ordr")],
)  # fmt: skip
@pytest.mark.parametrize("section", ["invariants", "freezes"])
def test_a_rule_about_what_nobody_has_is_not_published_as_a_rule(house, section, when, said):
    rule = {"id": "never", "when": when, "reason": "Not now."} | ({"forbid": "true"} if section == "invariants" else {})
    if section == "freezes":
        rule |= {"from": "2030-01-01T00:00Z", "until": "2030-01-02T00:00Z"}
    found = of(house, ((section,), [rule]))
    assert (
        "Tools" in unmet(found)
        and said in found["Tools"].details[-1]
        and "Correct the name" in found["Tools"].details[-1]
    )


def test_every_gate_holds_for_a_sound_document(house):
    found = of(house)
    assert list(found) == ALL and unmet(found) == []
    assert all(gate.sentence.endswith(".") for gate in found.values())
    assert found["Tests"].sentence == "1 test passes." and found["Waivers"].sentence == "No waiver is in force."
    assert require_gates(house.policy(), dump(BASE), granted=NOBODY).plain == BASE


@pytest.mark.parametrize("source", ["", "policy: [", "policy: {slug: other, name: Other}\nroles: {}\n"])
def test_a_text_that_is_no_document_of_the_policy_has_only_that_gate(house, source):
    (gate,) = gates(house.policy(), source, granted=None)
    assert (gate.name, gate.met) == ("Document", False) and gate.details[0].startswith("line ")
    with pytest.raises(GatesUnmet):
        require_gates(house.policy(), source, granted=NOBODY)


def test_an_expression_that_does_not_fit_its_tool_is_named(house):
    rule = {
        "id": "note.short",
        "when": {"tools": ["desk.refund.create"]},
        "require": 'args.amount == "x"',
        "reason": "R.",
    }
    found = of(house, (("invariants",), [rule]))
    assert unmet(found) == ["Expressions"]
    assert "invariants.note.short" in found["Expressions"].details[0]


def test_a_test_of_its_own_that_fails_is_named(house):
    test = BASE["tests"][0] | {"name": "A note runs by itself", "expect": {"effect": "allow"}}
    found = of(house, (("tests",), [test]))
    assert unmet(found) == ["Tests"] and found["Tests"].details[0].startswith(
        "line 24, column 5: tests.0: A note runs by itself: expected allow"
    )


def test_a_document_without_tests_says_so(house):
    found = of(house, (("tests",), None))
    assert unmet(found) == [] and found["Tests"].sentence == "It has no tests of its own."


def test_a_tool_the_workspace_does_not_have_cannot_be_judged(house):
    found = of(house, ((*TOOLS, "desk.bank.wire"), {"mode": "auto"}))
    assert unmet(found) == ["Tools"]
    assert found["Tools"].details == (
        "line 11, column 7: roles.clerk.tools.desk.bank.wire: Role clerk lists desk.bank.wire, which this workspace does not have. Load it first, or remove it.",
    )
    assert unmet(of(house, ((*TOOLS, "desk.bank.wire"), {"mode": "off"}))) == []


def test_a_missing_control_is_named_and_a_waiver_in_force_answers_for_it(house):
    bare = of(house, UNSCOPED)
    assert unmet(bare) == ["Ship gate"]
    assert re.match(
        r"line 6, column 3: roles.clerk: Clerk, .*\(write\.per_object_scope\): ", bare["Ship gate"].details[0]
    )
    waived = of(house, UNSCOPED, (("waivers",), [WAIVER | {"expires": at(30)}]))
    assert unmet(waived) == [] and waived["Waivers"].sentence == "1 waiver is in force."
    (named,) = waived["Waivers"].details
    assert named.startswith("w1: write.per_object_scope for every role until ") and named.endswith(
        "by Remit operator: Small shop."
    )


def test_an_expired_waiver_answers_for_nothing(house):
    found = of(house, UNSCOPED, (("waivers",), [WAIVER | {"expires": at(-1)}]))
    assert unmet(found) == ["Ship gate"] and found["Waivers"].details == ()


def test_a_role_agents_have_may_not_vanish(house):
    house.agent("clerk", "one")
    house.agent("clerk", "two")
    renamed = [(("roles", "other"), BASE["roles"]["clerk"]), (("roles", "clerk"), None), (("tests",), None)]
    found = of(house, *renamed)
    assert unmet(found) == ["Agents"]
    assert found["Agents"].details == (
        "line 5, column 1: roles.clerk: Role clerk is not in the document, but one, two have it. "
        "Put clerk back, or disable those agents first.",
    )
    for agent in Agent.objects.all():
        set_agent_state(actor=house.actor("dana"), agent=agent, state=Agent.State.DISABLED)
    assert unmet(of(house, *renamed)) == []


def test_agents_of_another_workspace_do_not_count(house):
    other = build_house("lakeside")
    other.publish(BASE)
    other.agent("clerk")
    assert (
        unmet(of(house, (("roles", "other"), BASE["roles"]["clerk"]), (("roles", "clerk"), None), (("tests",), None)))
        == []
    )


def test_a_route_asks_groups_that_exist(house):
    found = of(house, (("routes", "lead", "steps"), [{"name": "Board", "group": "board"}]))
    assert unmet(found) == ["Approvers"]
    assert found["Approvers"].details == (
        "line 19, column 3: routes.lead: Route lead names board, and there is no such group. Name one who is there.",
    )


ON_CALL, RUNBOOK = ("roles", "clerk", "on_call"), ("roles", "clerk", "runbook")


def test_a_group_on_call_is_there_and_somebody_active_is_in_it(house):
    gone = of(house, (ON_CALL, "night-shift"))
    assert unmet(gone) == ["On call"]
    (said,) = gone["On call"].details
    assert said.endswith(
        "roles.clerk.on_call: night-shift is on call, and there is no such group. Make it, or name another."
    )
    assert said.startswith("line ")
    group, maya = Group.objects.get(slug="support-leads"), house.users["maya"]
    assert "nobody active is in it" in of(house, (ON_CALL, group.slug))["On call"].details[0]
    join_group(actor=house.actor("dana"), group=group, user=maya)
    assert unmet(of(house, (ON_CALL, group.slug))) == []
    User.objects.filter(pk=maya.pk).update(is_active=False)
    assert "nobody active is in it" in of(house, (ON_CALL, group.slug))["On call"].details[0]
    User.objects.filter(pk=maya.pk).update(is_active=True)
    maya.memberships.all().delete()
    assert unmet(of(house, (ON_CALL, group.slug))) == ["On call"], "Who left the workspace is called by nobody."


def test_a_group_on_call_is_one_of_this_workspace(house):
    other = build_house("lakeside")
    join_group(actor=other.actor("dana"), group=Group.objects.get(workspace=other.workspace), user=other.users["maya"])
    Group.objects.filter(workspace=other.workspace).update(slug="night-shift")
    assert "no such group" in of(house, (ON_CALL, "night-shift"))["On call"].details[0]


@pytest.mark.parametrize(
    ("address", "remedy"),
    [("/nowhere/", "is no page of this console"), ("https://", "is no address"), ("https:///x", "is no address"),
     ("https://a b.example/", None), ("//wiki.example/", None), ("http://wiki.example/", None)],
)  # fmt: skip
def test_a_runbook_can_be_opened(house, address, remedy):
    found = of(house, (RUNBOOK, address))
    assert unmet(found) == ["On call" if remedy else "Document"]
    (said,) = next(gate for gate in found.values() if not gate.met).details
    assert said.startswith("line ") and "roles.clerk.runbook: " in said and (remedy or "is not an address") in said
    assert "https://" in said


@pytest.mark.parametrize("address", ["https://wiki.example/a?b#c", "/policies/support/", "/policies/support/?tab=x#y"])
def test_a_runbook_is_an_address_or_a_page_of_the_console(house, address):
    assert unmet(of(house, (RUNBOOK, address))) == []
