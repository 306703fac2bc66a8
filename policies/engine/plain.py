"""What a document's plain value says before it is loaded: effective modes, routes and their order. Pure.

The plain value satisfies the schema; whether it loads is not needed to compare it or to judge what it lacks.
"""

from collections.abc import Mapping
from typing import Any

from policies.engine.endings import modes
from policies.engine.limits import strictness
from policies.engine.parts import When
from policies.engine.routes import route_of
from policies.engine.types import Route

Plain = Mapping[str, Any]


def effective_mode(role: Plain, tool: str, effect_class: str) -> str:
    """What a role may do with a tool of an effect class: off, auto, draft or approval; the most it ever may, if that ends."""
    return modes(role, tool, effect_class)[0]


def routes_of(document: Plain) -> dict[str, Route]:
    """All routes by name."""
    return {name: route_of(name, data) for name, data in (document.get("routes") or {}).items()}


def default_route(routes: Mapping[str, Route]) -> Route | None:
    """Who decides where a tier asks for approval and the tool names no route; None denies."""
    return max(routes.values(), key=strictness, default=None)


def people(route: Route) -> int:
    """How many decisions a route takes in all."""
    return sum(step.quorum for step in route.steps)


def when_of(item: Plain) -> When:
    """Which calls a rule is about."""
    data = item.get("when") or {}
    return When(*(frozenset(data.get(name) or ()) for name in ("roles", "tools", "resource_types", "effect_classes")))
