"""Rules that end: what a role's rule on a tool says until an instant, and from that instant on. Pure: the instant is given.

INVARIANT: after its end a rule never asks less than before it, so that time alone loosens nothing. Held by
tests/policies/test_expiring_rules.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from policies.engine.parts import ToolRule
from policies.engine.types import STRENGTH, TIERS
from policies.engine.windows import instant

Plain = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Course:
    """The modes of a role and tool over time: `mode` before `until`, `then` from it on; without an end they are the same."""

    mode: str
    until: datetime | None
    then: str

    def at(self, point: datetime | None) -> str:
        """The mode at an instant; None is before every end."""
        return self.mode if self.until is None or point is None or point < self.until else self.then


def then_of(rule: Plain) -> str | None:
    """The mode after a rule's end: its own `then`, else approval where it names its route and asked less, else off.

    None where the rule has no end.
    """
    if "until" not in rule:
        return None
    if "then" in rule:
        return str(rule["then"])
    return "approval" if "route" in rule and STRENGTH[rule["mode"]] < STRENGTH["approval"] else "off"


def tool_rule(rule: Plain) -> ToolRule:
    """A rule made ready. Raises ValueError for an end that no calendar has."""
    until = instant(rule["until"]) if "until" in rule else None
    return ToolRule(rule.get("mode"), rule.get("route"), until, then_of(rule))


def mistakes(rule: Plain) -> Iterator[tuple[str, str]]:
    """What a schema cannot see of one rule, as `(term, sentence)`."""
    for term in ("mode", "then"):
        if rule.get(term) == "approval" and "route" not in rule:
            yield term, "Approval needs a route. Name who decides."
    then = then_of(rule)
    if then is not None and STRENGTH[then] <= STRENGTH[rule["mode"]]:
        stricter = [mode for mode in STRENGTH if STRENGTH[mode] > STRENGTH[rule["mode"]]]
        advice = f"Use one of: {', '.join(stricter)}." if stricter else "Nothing is stricter than off: remove until."
        yield "then" if "then" in rule else "until", f"After its end a rule has to ask more than before. {advice}"


def course(role: Plain, tool: str, effect_class: str) -> Course:
    """The course of a role's plain value. Raises ValueError for an end that no calendar has."""
    mode, *then = modes(role, tool, effect_class)
    return Course(mode, instant(role["tools"][tool]["until"]), then[0]) if then else Course(mode, None, mode)


def modes(role: Plain, tool: str, effect_class: str) -> tuple[str, ...]:
    """Every mode a role's tool has in the course of time: the second is that after its rule's end. Not listed is off."""
    rule = role["tools"].get(tool)
    if rule is None:
        return ("off",)
    mode, then = rule.get("mode") or TIERS[role["tier"]].get(effect_class, "off"), then_of(rule)
    return (mode,) if then is None else (mode, then)


def beside(old: Course, new: Course) -> Iterator[tuple[str, str, str]]:
    """The modes of both for every span of time in which neither changes, with the span in words: "" where it is all time."""
    ends = sorted({one.until for one in (old, new) if one.until is not None})
    for start, end in pairwise([None, *ends, None]):
        since, until = f" from {told(start)}" if start else "", f" until {told(end)}" if end else ""
        yield old.at(start), new.at(start), since + until


def told(at: datetime) -> str:
    """An instant as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
