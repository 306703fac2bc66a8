"""Limits: what a call adds, whose counter it is, and what the sum says. Amounts are whole units: minor units or calls."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from policies.engine.currencies import money_text
from policies.engine.parts import Limit
from policies.engine.types import Check, Hold, Request, Route

# As large as a limit can be; a sum of two such still is an exact number in JSON.
MOST = 10**15
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Said(NamedTuple):
    """What one limit said of a call. `room` is what is left in its unit, None where it cannot be compared."""

    check: Check
    hold: Hold | None
    route: Route | None
    room: int | None
    limit: Limit


class Rule(NamedTuple):
    """A limit made ready: `key` names its counter for a request, `say` judges the call."""

    limit: Limit
    key: Callable[[Request], str] | None
    say: Callable[[Request], Said]


def strictness(route: Route) -> tuple[int, int, int, int, int, str]:
    """Orders routes by how much they ask: steps, people, one after another, without an emergency way or further groups."""
    people, parallel = sum(step.quorum for step in route.steps), sum(step.joins for step in route.steps)
    return len(route.steps), people, -parallel, -bool(route.break_glass), -len(route.escalation), route.name


def amount(limit: Limit, request: Request) -> int | None:
    """What this call adds to a limit, in its unit; None when it cannot be compared: another currency, or none is given."""
    if limit.kind != "money":
        return 1
    if request.money is None:
        return None if request.tool.moves_money else 0
    return request.money.amount_minor if request.money.currency == limit.currency else None


def key(limit: Limit, request: Request) -> str:
    """Whose counter a windowed limit is: `limit:agent:<id>`."""
    whose = _WHOSE[limit.per](request)
    return f"{limit.id}:{limit.per}:{whose}"


_WHOSE: dict[str, Callable[[Request], str]] = {
    "agent": lambda request: str(request.agent["id"]),
    "role": lambda request: request.role,
    "requester": lambda request: str(request.requester["id"]),
    "workspace": lambda request: "all",
}


def rule(limit: Limit, routes: Mapping[str, Route]) -> Rule:
    """A limit made ready for its calls."""
    route, most = routes[limit.route] if limit.route else None, text(limit, limit.max)
    if limit.per == "action":
        return Rule(limit, None, lambda request: _of_action(limit, request, route, most))
    where = f"the last {window_text(limit.window_s)}"
    return Rule(limit, lambda request: key(limit, request), lambda request: _of_window(limit, request, where, most))


def _of_action(limit: Limit, request: Request, route: Route | None, most: str) -> Said:
    added = amount(limit, request)
    if added is None or not 0 <= added <= MOST:
        return _incomparable(limit, request, added, most)
    check = _check(limit, added, added, "this action", most)
    return Said(check, None, route if check.outcome == "escalated" else None, limit.max, limit)


def _of_window(limit: Limit, request: Request, where: str, most: str) -> Said:
    added = amount(limit, request)
    if added is None or not 0 <= added <= MOST:
        return _incomparable(limit, request, added, most)
    counter = key(limit, request)
    used = request.usage.get(counter, 0)
    hold = Hold(counter, limit.id, added, limit.window_s)
    return Said(_check(limit, used + added, added, where, most), hold, None, max(limit.max - used, 0), limit)


def _incomparable(limit: Limit, request: Request, added: int | None, most: str) -> Said:
    reason = f"The amount cannot be compared with {most}, so it is denied."
    other = added is None and request.money is not None
    shown, remedy = ("other currency", "Use the limit's currency.") if other else ("no amount", "Give an amount.")
    check = Check(limit.name, "denied", f"limits.{limit.id}", shown, limit.max, reason, remedy)
    return Said(check, None, None, None, limit)


def _check(limit: Limit, total: int, added: int, where: str, most: str) -> Check:
    path, shown = f"limits.{limit.id}", text(limit, total)
    if total <= limit.max:
        return Check(limit.name, "passed", path, total, limit.max, f"{shown} of {most} for {where}.")
    if limit.over == "approval":
        reason = f"{shown} is over the {most} automatic limit, so people have to approve."
        return Check(limit.name, "escalated", path, total, limit.max, reason)
    if limit.per == "action":
        return Check(
            limit.name, "denied", path, total, limit.max, f"{shown} is over the limit of {most}.", "Ask for less."
        )
    reason = f"{text(limit, added)} would bring {where} to {shown}, over the limit of {most}."
    remedy = "Wait until the window has room, or ask for less."
    return Check(limit.name, "denied", path, total, limit.max, reason, remedy)


def text(limit: Limit, value: int) -> str:
    """An amount in the limit's unit."""
    if limit.kind != "money":
        return f"{value:,} {'call' if value == 1 else 'calls'}"
    return money_text(value, str(limit.currency))


def window_text(window_s: int) -> str:
    """A window as people read it: `day`, `15 minutes`."""
    for size, word in _UNITS:
        if window_s % size == 0:
            count = window_s // size
            return word if count == 1 else f"{count} {word}s"
    return f"{window_s} seconds"
