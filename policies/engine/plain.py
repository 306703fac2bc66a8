"""What a document's plain value says before it is loaded: effective modes, routes and their order. Pure.

The plain value satisfies the schema; whether it loads is not needed to compare it or to judge what it lacks.
"""

from collections.abc import Mapping
from typing import Any

from policies.engine.builder import seconds
from policies.engine.limits import strictness
from policies.engine.parts import DEFAULT_EXPIRY_S, Role, ToolRule, When
from policies.engine.plan import mode_for
from policies.engine.schema import SEPARATION
from policies.engine.types import Route, RouteStep

Plain = Mapping[str, Any]


def effective_mode(role: Plain, tool: str, effect_class: str) -> str:
    """What a role may do with a tool of an effect class: off, auto, draft or approval."""
    rule = role["tools"].get(tool)
    tools = {} if rule is None else {tool: ToolRule(rule.get("mode"), rule.get("route"))}
    return mode_for(Role("", role["tier"], tools, {}, {}), tool, effect_class)


def route_of(name: str, data: Plain) -> Route:
    """One route with what it leaves unsaid filled in."""
    steps = tuple(RouteStep(step["name"], step["group"], step.get("quorum", 1)) for step in data["steps"])
    expires = seconds(data["expires"]) if "expires" in data else DEFAULT_EXPIRY_S
    separation, step_up = tuple(data.get("separation", SEPARATION)), str(data.get("step_up", "none"))
    return Route(name, steps, expires, separation, step_up)


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
