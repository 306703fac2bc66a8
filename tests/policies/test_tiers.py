"""Moving a role a tier down tightens every tool of it; moving it up again loosens none that says for itself what it asks."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from policies.edits import set_tier
from policies.engine.diff import compare
from policies.engine.document import load_plain
from policies.engine.endings import course
from policies.engine.types import EFFECT_CLASSES, STRENGTH, TIERS, ToolFacts
from tests.policies.browsing import Page

UNTIL = "2030-01-01T00:00Z"
END = datetime(2030, 1, 1, tzinfo=UTC)
RULES = (
    {}, {"route": "one"}, {"mode": "auto"}, {"mode": "auto", "route": "one"}, {"mode": "draft"}, {"mode": "approval", "route": "one"},
    {"mode": "off"}, {"mode": "auto", "until": UNTIL}, {"mode": "auto", "until": UNTIL, "route": "one"},
    {"mode": "auto", "until": UNTIL, "then": "draft"}, {"mode": "draft", "until": UNTIL, "then": "approval", "route": "one"},
    {"mode": "draft", "until": UNTIL},
)  # fmt: skip
STEP = {"steps": [{"name": "Lead", "group": "leads"}]}
LADDER = list(TIERS)
DOWN = [(high, low) for high, low in product(LADDER, LADDER) if LADDER.index(low) < LADDER.index(high)]


def document(tier: str, *, routes: bool = True):
    """Every rule for a tool of every class."""
    tools = {f"{kind}.t{number}": dict(rule) for kind in EFFECT_CLASSES for number, rule in enumerate(RULES)}
    return {
        "policy": {"slug": "p", "name": "P"},
        "roles": {"r": {"tier": tier, "tools": tools}},
        "routes": {"one": STEP, "two": {"steps": [*STEP["steps"], {"name": "Boss", "group": "bosses"}]}},
    }


CLASSES = {tool: tool.partition(".")[0] for tool in document("autonomous")["roles"]["r"]["tools"]}
FACTS = {tool: ToolFacts(tool, "x", kind, "reversible") for tool, kind in CLASSES.items()}


def modes(plain, tool: str) -> tuple[str, str]:
    """Before the end of its rule and after it."""
    found = course(plain["roles"]["r"], tool, CLASSES[tool])
    return found.at(END - timedelta(days=1)), found.at(END)


@pytest.mark.parametrize(("high", "low"), DOWN)
def test_after_a_demotion_no_tool_with_a_mode_of_its_own_asks_less_than_the_tier_or_than_before(high, low):
    before = document(high)
    after = set_tier(before, role="r", tier=low, classes=CLASSES)
    load_plain(after)
    for tool, kind in CLASSES.items():
        own = "mode" in before["roles"]["r"]["tools"][tool]
        for was, now in zip(modes(before, tool), modes(after, tool), strict=True):
            assert STRENGTH[now] >= STRENGTH[TIERS[low][kind]], (tool, now)
            assert not own or STRENGTH[now] >= STRENGTH[was], (tool, was, now)
    told = {change.path: change.effect for change in compare(before, after, FACTS).changes}
    clamped = {
        tool for tool in CLASSES if before["roles"]["r"]["tools"][tool] != after["roles"]["r"]["tools"].get(tool)
    }
    loosened = {tool for tool in clamped if told.get(("roles", "r", "tools", tool)) == "loosens"}
    assert clamped and not loosened
    assert all(("roles", "r", "tools", tool) in told for tool in clamped), "Each stands in the difference."


@pytest.mark.parametrize(("high", "low"), DOWN)
def test_a_promotion_loosens_no_tool_with_a_mode_of_its_own_nor_does_one_after_a_demotion(high, low):
    up = set_tier(document(low), role="r", tier=high, classes=CLASSES)
    assert up["roles"]["r"] == document(low)["roles"]["r"] | {"tier": high}
    there_and_back = set_tier(
        set_tier(document(high), role="r", tier=low, classes=CLASSES), role="r", tier=high, classes=CLASSES
    )
    for tool in CLASSES:
        if "mode" in document(high)["roles"]["r"]["tools"][tool]:
            pairs = zip(modes(document(high), tool), modes(there_and_back, tool), strict=True)
            assert all(STRENGTH[now] >= STRENGTH[was] for was, now in pairs), tool


def test_the_given_document_stays_and_the_same_tier_changes_nothing():
    before = document("autonomous")
    kept = deepcopy(before)
    assert set_tier(before, role="r", tier="autonomous", classes=CLASSES) == kept
    set_tier(before, role="r", tier="read-only", classes=CLASSES)
    assert before == kept


def test_what_is_approved_by_nobody_named_is_asked_of_the_strictest_route_or_is_off():
    plain = document("autonomous")
    plain["roles"]["r"]["tools"] = {"write.t2": {"mode": "auto"}, "write.t3": {"mode": "auto", "route": "one"}}
    down = {"role": "r", "tier": "execute-with-approval", "classes": CLASSES}
    assert set_tier(plain, **down)["roles"]["r"]["tools"] == {
        "write.t2": {"mode": "approval", "route": "two"}, "write.t3": {"mode": "approval", "route": "one"},
    }  # fmt: skip
    del plain["routes"], plain["roles"]["r"]["tools"]["write.t3"]
    assert set_tier(plain, **down)["roles"]["r"]["tools"] == {}


def test_a_tool_that_nobody_knows_is_held_to_the_most_the_tier_asks():
    plain = document("autonomous")
    plain["roles"]["r"]["tools"] = {"new.tool": {"mode": "auto"}, "other.tool": {}}
    after = set_tier(plain, role="r", tier="draft-only", classes=CLASSES)
    assert after["roles"]["r"]["tools"] == {"other.tool": {}}


def test_the_gate_page_demotes_for_real_and_the_publish_page_says_what_changed(house):
    house.draft((("roles", "clerk", "tools", "desk.account.update"), {"mode": "auto"}))
    ken = Page(house, "ken")
    ken.send("gate/", "roles/clerk/move/", tier="read-only")
    role = ken.plain()["roles"]["clerk"]
    assert role["tier"] == "read-only" and role["tools"] == {"desk.account.get": {"mode": "auto"}}
    page = ken.get("publish/")
    assert "desk.account.update for Clerk: Approval by lead becomes Off." in page and "Only tightens" in page


def test_the_roles_own_form_does_the_same(house):
    house.draft(
        (("roles", "clerk", "tools", "desk.account.update"), {"mode": "auto"}),
        (("roles", "clerk", "tier"), "autonomous"),
    )
    ken = Page(house, "ken")
    ken.save("roles/clerk/", tier="execute-with-approval")
    assert ken.plain()["roles"]["clerk"]["tools"]["desk.account.update"] == {"mode": "approval", "route": "lead"}
