"""Compares approval routes: who decides, how long they may take, and who may not decide."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.diff.emergency import (
    break_glass,
    break_glass_words,
    escalation,
    escalation_words,
    remind,
    remind_words,
)
from policies.engine.diff.items import Aspect, Item, Judged, Kind, compare_item, stricter_if
from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change
from policies.engine.diff.steps import embeds, terms
from policies.engine.diff.words import join, steps
from policies.engine.plain import default_route, routes_of
from policies.engine.routes import route_of
from policies.engine.schema import STEP_UPS
from policies.engine.types import TIERS, Route

_FEWER = "Not every step it had still stands, in its order, with as many of the same people."


def _steps(old: Route, new: Route) -> Judged:
    if terms(old) == terms(new):
        return NEUTRAL, "Only the words differ; the same people decide."
    return stricter_if(embeds(old, new), why="Every step it had still stands, and more is asked.", otherwise=_FEWER)


def _expires(old: Route, new: Route) -> Judged:
    if old.expires_in_s == new.expires_in_s:
        return NEUTRAL, "The same time, written otherwise."
    shorter = new.expires_in_s < old.expires_in_s
    return stricter_if(shorter, why="An approval expires sooner.", otherwise="An approval may come later.")


def _separation(old: Route, new: Route) -> Judged:
    before, after = set(old.separation), set(new.separation)
    if before == after:
        return None
    why, otherwise = "More people are kept from deciding.", "Somebody who was kept from deciding may decide."
    return stricter_if(before < after, why=why, otherwise=otherwise)


def _step_up(old: Route, new: Route) -> Judged:
    if old.step_up == new.step_up:
        return None
    more = STEP_UPS.index(new.step_up) > STEP_UPS.index(old.step_up)
    return stricter_if(more, why="Approvers prove more.", otherwise="Approvers prove less.")


def _second(old: Route, new: Route) -> Judged:
    """Never is the highest of all."""
    if old.second_above == new.second_above:
        return None
    before, after = (float("inf") if each is None else each for each in (old.second_above, new.second_above))
    otherwise = "One person approves more in an hour alone."
    return stricter_if(after < before, why="One person approves fewer in an hour alone.", otherwise=otherwise)


def _second_words(route: Route) -> str:
    return "never" if route.second_above is None else f"above {route.second_above} approvals an hour"


_JUDGES = (_steps, _expires, _separation, escalation, break_glass, _step_up, _second)


def stricter_route(old: Route | None, new: Route | None) -> Judged:
    """How asking one route in place of another changes what is asked; without a route nothing can be approved."""
    if old is None or new is None:
        if old is new:
            return None
        why, otherwise = "Without a route the call is denied.", "There is a route now, where the call was denied."
        return stricter_if(new is None, why=why, otherwise=otherwise)
    judged = [part for judge in _JUDGES if (part := judge(old, new)) is not None]
    for effect in (LOOSENS, TIGHTENS):
        found = next((part for part in judged if part[0] == effect), None)
        if found is not None:
            return found
    return NEUTRAL, "Both routes ask the same."


def _aspect(keys: str, what: str, judge: Any, show: Any) -> Aspect:
    def on_items(old: Item, new: Item) -> Judged:
        found: Judged = judge(route_of("", old), route_of("", new))
        return found

    return Aspect(tuple(keys.split()), what, on_items, lambda item: show(route_of("", item)))


def _minutes(route: Route) -> str:
    minutes, rest = divmod(route.expires_in_s, 60)
    return f"{route.expires_in_s} seconds" if rest else f"{minutes} minutes"


_KIND = Kind(
    "routes", "Route", (NEUTRAL, ""), (NEUTRAL, ""),
    (
        _aspect("steps", "who decides", _steps, steps),
        _aspect("expires", "it expires after", _expires, _minutes),
        _aspect("separation", "who may not decide", _separation, lambda route: join(sorted(route.separation))),
        # An escalation may name a step, so what it does changes with the steps too.
        _aspect("escalation steps", "who may decide too when nobody does", escalation, escalation_words),
        _aspect("break_glass", "who may skip its steps", break_glass, break_glass_words),
        _aspect("remind", "it reminds", remind, remind_words),
        _aspect("step_up", "what approvers prove", _step_up, lambda route: route.step_up),
        _aspect("second_above", "a second approver is asked", _second, _second_words),
    ),
    "name",
)  # fmt: skip


def compare_routes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Every change of the routes. A route by itself allows nothing; what asks for it is compared where it asks."""
    before, after = old.get("routes") or {}, new.get("routes") or {}
    for name in sorted({*before, *after}):
        path = ("routes", name)
        if name in before and name in after:
            yield from compare_item(_KIND, path, name, before[name], after[name])
            continue
        verb, data = ("added", after[name]) if name in after else ("removed", before[name])
        label = f"Route {name} is {verb}: {steps(route_of(name, data))}."
        yield Change(
            path, "routes", label, before.get(name), after.get(name), NEUTRAL, "A route by itself allows nothing."
        )
    yield from _default(old, new)


def _default(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Tools that ask by their tier and name no route follow the document's strictest one."""
    before, after = default_route(routes_of(old)), default_route(routes_of(new))
    was, now = (route.name if route else None for route in (before, after))
    judged = stricter_route(before, after)
    if was != now and judged is not None and _follow(old) & _follow(new):
        label = f"Approvals that name no route: {was or 'no route'} becomes {now or 'no route'}."
        yield Change(("routes",), "routes", label, was, now, *judged)


def _follow(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The (role, tool) pairs whose approval may go to the document's strictest route."""
    return {
        (name, tool)
        for name, role in document["roles"].items()
        if "approval" in TIERS[role["tier"]].values()
        for tool, rule in role["tools"].items()
        if "mode" not in rule and "route" not in rule
    }
