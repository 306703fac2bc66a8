"""The words of a comparison. A label names the thing, then what it was and what it becomes."""

from collections.abc import Iterable, Mapping
from typing import Any

from policies.engine.limits import text
from policies.engine.parts import Limit, When
from policies.engine.types import Route, RouteStep

MODES = {"off": "Off", "auto": "Auto", "draft": "Draft", "approval": "Approval"}
_NO_WHEN = When(frozenset(), frozenset(), frozenset(), frozenset())


def title(name: str) -> str:
    """A role's name as people read it: `eu-refunds` is Eu refunds."""
    spaced = name.replace("-", " ").replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def sentence(name: str, what: str, old: str, new: str) -> str:
    """`Spend limit: the most it allows, $100.00 becomes $50.00.`"""
    return f"{name}: {what}{', ' if what else ''}{old} becomes {new}."


def join(names: Iterable[str]) -> str:
    """`a, b and c`, or `none`."""
    *most, last = list(names) or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def amount(item: Mapping[str, Any], value: int) -> str:
    """A limit's or breaker's number in its unit."""
    kind = "money" if "currency" in item else "count"
    return text(Limit("", "", _NO_WHEN, kind, "", value, item.get("currency"), 0, "", None), value)


def covers(item: Mapping[str, Any]) -> str:
    """Which calls a rule is about, in words."""
    when = item.get("when") or {}
    parts = [f"{name.replace('_', ' ')} {join(sorted(when[name]))}" for name in when if when[name]]
    return join(parts) if parts else "every call"


def steps(route: Route) -> str:
    """Who decides, step by step."""
    return join(_step(step) for step in route.steps)


def _step(step: RouteStep) -> str:
    having = [attributes(step.attributes)] if step.attributes else []
    who = " or ".join([*([step.group] if step.group else []), *step.people, *having])
    return f"{step.quorum} of {who}{' at the same time' if step.joins else ''}"


def attributes(pairs: Iterable[tuple[str, str]]) -> str:
    """`whoever has department finance and title director`."""
    return f"whoever has {join(f'{name} {value}' for name, value in pairs)}"


def span(seconds: int) -> str:
    """`45 seconds`, `30 minutes`, `24 hours`."""
    for size, word in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {word}" if count == 1 else f"{count} {word}s"
    raise ValueError(f"{seconds} is no whole number of seconds.")


def excerpt(source: str) -> str:
    """An expression on one line, cut where it is long."""
    line = " ".join(source.split())
    return f"“{line}”" if len(line) <= 90 else f"“{line[:89]}…”"
