"""What a control looks at: one role of a document, its tools in use of one effect class, and the rules that cover them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.endings import modes
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
        routes = routes_of(self.document)
        if "approval" in self.modes(tool):
            named = self.role["tools"][tool.name].get("route")
            route = default_route(routes) if named is None else routes.get(named)
            if route is not None:
                yield self.path("tools", tool.name), route
        for limit in self.covering("limits", tool):
            if limit["over"] == "approval" and limit.get("route") in routes and can_be_passed(limit, tool):
                yield f"limits.{limit['id']}", routes[limit["route"]]


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
    """How many different people decide at least. Without `same_person` one person may decide several steps."""
    quorums = [step.quorum for step in route.steps]
    return sum(quorums) if "same_person" in route.separation else max(quorums)
