"""Looks for calls that other people would decide: of all routes a call is asked for, only the strictest is taken.

So a longer route can take the place of one whose people then decide no more. That counts as loosening unless every
step of the one displaced still stands.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.diff.model import LOOSENS, Change
from policies.engine.diff.routes import stricter_route
from policies.engine.diff.steps import terms
from policies.engine.diff.tools import Role, Sides
from policies.engine.diff.words import title
from policies.engine.endings import modes
from policies.engine.parts import When
from policies.engine.plain import default_route, people, when_of
from policies.engine.types import Route

Asked = dict[str, Route]
Limit = Mapping[str, Any]


def compare_deciders(sides: Sides, name: str, old: Role, new: Role) -> Iterator[Change]:
    """One change for every tool of a role where one route may displace another that asks otherwise."""
    pair = _Side(sides, 0, name, old), _Side(sides, 1, name, new)
    for tool in sorted(set(old["tools"]) & set(new["tools"])):
        was, now = (side.asked(tool) for side in pair)
        if max(len(was), len(now)) > 1 and pair[0].terms(tool) != pair[1].terms(tool):
            displaced = next(_displaced(was, now), None)
            if displaced is not None:
                yield _change(name, tool, *displaced)


def _displaced(was: Asked, now: Asked) -> Iterator[tuple[Route, Route]]:
    for before in was.values():
        for after in now.values():
            judged = stricter_route(before, after)
            least = max(_rank(before), _rank(now.get(before.name, before)))
            if before.name != after.name and _rank(after) >= least and judged and judged[0] == LOOSENS:
                yield before, after


def _rank(route: Route) -> tuple[int, int]:
    return len(route.steps), people(route)


def _change(name: str, tool: str, before: Route, after: Route) -> Change:
    label = f"{tool} for {title(name)}: some calls decided by {before.name} may be decided by {after.name}."
    why = (
        f"A call takes the strictest route it is asked for, and {after.name} does not ask all that {before.name} asks."
    )
    return Change(("roles", name, "tools", tool, "route"), "tools", label, before.name, after.name, LOOSENS, why)


class _Side:
    """One document as one role meets it: the limits that may lead its calls to approval, and where tools ask."""

    def __init__(self, sides: Sides, number: int, name: str, role: Role) -> None:
        self.sides, self.role, self.routes = sides, role, sides.routes[number]
        document = (sides.old, sides.new)[number]
        limits = [limit for limit in document.get("limits") or () if limit["over"] == "approval"]
        covers = [(when_of(limit), limit) for limit in limits if limit.get("route") in self.routes]
        self.limits = [(when, limit) for when, limit in covers if not when.roles or name in when.roles]

    def asked(self, tool: str) -> Asked:
        """The routes a call of the tool may be asked for: its own, and those of limits."""
        found = [self.routes[limit["route"]] for _, limit in self._covering(tool)]
        if "approval" in self._modes(tool):
            own = self.role["tools"][tool].get("route")
            route = default_route(self.routes) if own is None else self.routes.get(own)
            found += [route] if route else []
        return {route.name: route for route in found}

    def terms(self, tool: str) -> Any:
        """All that says which route a call takes; where it is the same in both, nothing is displaced."""
        limits = {limit["id"]: _asking(when, limit) for when, limit in self._covering(tool)}
        asked = {name: terms(route) for name, route in self.asked(tool).items()}
        own = self.role["tools"][tool]
        return self._modes(tool), own.get("route"), own.get("until"), limits, asked

    def _modes(self, tool: str) -> list[str]:
        return [mode for kind in self.sides.classes(tool) for mode in modes(self.role, tool, kind)]

    def _covering(self, tool: str) -> Iterator[tuple[When, Limit]]:
        facts = self.sides.facts.get(tool)
        for when, limit in self.limits:
            if when.may_cover(facts) if facts is not None else not when.tools or tool in when.tools:
                yield when, limit


def _asking(when: When, limit: Limit) -> tuple[Any, ...]:
    """When a limit asks, and whom."""
    return (when, *(limit.get(key) for key in ("kind", "max", "currency", "route")))
