"""What a control looks at: one role of a document, its tools in use of one effect class, and the rules that cover them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.endings import modes
from policies.engine.limits import strictness
from policies.engine.plain import default_route, routes_of, when_of
from policies.engine.types import Route, ToolFacts

Plain = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """`tools` are the facts of the tools in use."""

    document: Plain
    name: str
    tools: tuple[ToolFacts, ...]

    @property
    def role(self) -> Plain:
        """The role's own part of the document."""
        role: Plain = self.document["roles"][self.name]
        return role

    def mode(self, tool: ToolFacts) -> str:
        """The mode that asks least, where its rule ends: what the controls have to hold."""
        return self.modes(tool)[0]

    def modes(self, tool: ToolFacts) -> tuple[str, ...]:
        """Every mode the tool has in the course of time."""
        return modes(self.role, tool.name, tool.effect_class)

    def path(self, *parts: str) -> str:
        """A rule path inside the role."""
        return ".".join(("roles", self.name, *parts))

    def covering(self, section: str, tool: ToolFacts) -> list[Plain]:
        """The rules of a section that speak of this role's calls of the tool."""
        return [item for item in self.document.get(section) or () if self._covers(item, tool)]

    def _covers(self, item: Plain, tool: ToolFacts) -> bool:
        when = when_of(item)
        return (not when.roles or self.name in when.roles) and when.may_cover(tool)

    def deciders(self, tool: ToolFacts) -> Iterator[tuple[str, Route]]:
        """Each rule that asks people about the tool, with its route: the tool's own mode, and limits per action."""
        own = self._own(tool)
        if own is not None:
            yield self.path("tools", tool.name), own
        yield from ((f"limits.{limit['id']}", route) for limit, route in self._limits(tool))

    def releases(self, tool: ToolFacts) -> Iterator[tuple[str, Route | None]]:
        """Each rule by which a call can come to run, with the route that decides it then: None where nobody is asked.

        A draft is none of them, for a person sends it. Of the routes that are asked at once the strictest decides, so a limit
        beside a mode of approval decides only by a route that is stricter than the mode's own.
        """
        modes, own, limits = set(self.modes(tool)), self._own(tool), self._limits(tool)
        if "auto" in modes and not any(always_passed(limit) for limit, _ in limits):
            yield self.path("tools", tool.name), None
        if own is not None:
            yield self.path("tools", tool.name), own
        for limit, route in limits:
            if own is None or modes & {"auto", "draft"} or strictness(route) > strictness(own):
                yield f"limits.{limit['id']}", route

    def _own(self, tool: ToolFacts) -> Route | None:
        """Who decides by the tool's own mode; None where it does not ask, or asks nobody who is there and so denies."""
        if "approval" not in self.modes(tool):
            return None
        routes, named = routes_of(self.document), self.role["tools"][tool.name].get("route")
        return default_route(routes) if named is None else routes.get(named)

    def _limits(self, tool: ToolFacts) -> list[tuple[Plain, Route]]:
        """The limits per action past which people decide, with their routes."""
        routes = routes_of(self.document)
        return [
            (limit, routes[limit["route"]])
            for limit in self.covering("limits", tool)
            if limit["over"] == "approval" and limit.get("route") in routes and can_be_passed(limit, tool)
        ]


def always_passed(limit: Plain) -> bool:
    """Whether every call is over a limit per action: one that allows no call. Of money, a call may move nothing at all."""
    return bool(limit["kind"] != "money" and limit["max"] < 1)


def can_be_passed(limit: Plain, tool: ToolFacts) -> bool:
    """Whether a call of the tool can ever be over a limit per action.

    One action is one call, so a count of one or more per action never asks anybody; nor does one on money where none moves.
    """
    return bool(tool.moves_money if limit["kind"] == "money" else limit["max"] < 1)


def holds(limit: Plain, tool: ToolFacts) -> bool:
    """Whether a limit bounds the tool at all: a windowed one by its calls or money, one per action if it can be passed."""
    if limit["per"] == "action":
        return can_be_passed(limit, tool)
    return bool(limit["kind"] != "money" or tool.moves_money)


def different_people(route: Route) -> int:
    """How many different people decide: nobody has two places on a route, whatever it says of separation (approvals.algebra)."""
    return sum(step.quorum for step in route.steps)
