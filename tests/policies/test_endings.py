"""The course of a rule that ends, from its plain value: what is asked before, after, and for every span of two of them."""

from datetime import UTC, datetime

import pytest

from policies.engine.endings import Course, beside, course, modes, then_of, tool_rule
from policies.engine.parts import ToolRule

END, LATER = datetime(2026, 12, 21, 10, tzinfo=UTC), datetime(2027, 1, 21, 10, tzinfo=UTC)
UNTIL = "2026-12-21T10:00Z"


def role(rule, tier="execute-with-approval"):
    return {"tier": tier, "tools": {"a.b": rule}}


@pytest.mark.parametrize(
    ("rule", "effect_class", "wanted"),
    [
        ({}, "write", ("approval",)),
        ({}, "read", ("auto",)),
        ({}, "no such class", ("off",)),
        ({"mode": "draft"}, "write", ("draft",)),
        ({"mode": "auto", "until": UNTIL}, "write", ("auto", "off")),
        ({"mode": "auto", "until": UNTIL, "then": "draft"}, "write", ("auto", "draft")),
        ({"mode": "draft", "until": UNTIL, "route": "x"}, "write", ("draft", "approval")),
        ({"mode": "approval", "until": UNTIL, "route": "x"}, "write", ("approval", "off")),
    ],
)
def test_modes(rule, effect_class, wanted):
    assert modes(role(rule), "a.b", effect_class) == wanted
    end = END if len(wanted) == 2 else None
    assert course(role(rule), "a.b", effect_class) == Course(wanted[0], end, wanted[-1])
    assert tool_rule(rule) == ToolRule(rule.get("mode"), rule.get("route"), end, then_of(rule))


def test_a_tool_that_is_not_listed_is_off_all_the_time():
    assert modes(role({}), "x.y", "read") == ("off",)
    assert course(role({}), "x.y", "read") == Course("off", None, "off")


def test_a_course_at_an_instant():
    ends = Course("auto", END, "off")
    assert [ends.at(when) for when in (None, datetime(2026, 12, 21, 9, 59, tzinfo=UTC), END)] == ["auto", "auto", "off"]
    assert Course("draft", None, "draft").at(END) == "draft"


def test_two_courses_beside_each_other():
    auto, asks = Course("auto", END, "off"), Course("approval", None, "approval")
    first, second = " until 2026-12-21 10:00 UTC", " from 2026-12-21 10:00 UTC"
    assert list(beside(asks, Course("draft", None, "draft"))) == [("approval", "draft", "")]
    assert list(beside(asks, auto)) == [("approval", "auto", first), ("approval", "off", second)]
    assert list(beside(auto, auto)) == [("auto", "auto", first), ("off", "off", second)]
    assert list(beside(auto, Course("auto", LATER, "draft"))) == [
        ("auto", "auto", first),
        ("off", "auto", f"{second} until 2027-01-21 10:00 UTC"),
        ("off", "draft", " from 2027-01-21 10:00 UTC"),
    ]
