"""Compares what each role may do with each tool, by effective mode: its own, else its tier's for the effect class.

Without facts of a tool its effect class is unknown, so every class is looked at and the laxest difference counts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change
from policies.engine.diff.routes import stricter_route
from policies.engine.diff.words import MODES, title
from policies.engine.endings import beside, course, modes
from policies.engine.plain import default_route, effective_mode, routes_of
from policies.engine.types import EFFECT_CLASSES, STRENGTH, Route, ToolFacts

Facts = Mapping[str, ToolFacts]
Role = Mapping[str, Any]


class Sides:
    """Two documents, with the routes of each and what is known of the tools."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any], facts: Facts) -> None:
        self.old, self.new, self.facts = old, new, facts
        self.routes = routes_of(old), routes_of(new)

    def classes(self, tool: str) -> tuple[str, ...]:
        """The effect classes a tool may have."""
        return (self.facts[tool].effect_class,) if tool in self.facts else EFFECT_CLASSES


def compare_tools(sides: Sides, name: str, old: Role, new: Role) -> Iterator[Change]:
    """Every tool of a role that stands in both documents, or of a new role beside one that may do nothing."""
    for tool in sorted({*old["tools"], *new["tools"]}):
        yield from _tool(sides, name, tool, old, new)


def _tool(sides: Sides, name: str, tool: str, old: Role, new: Role) -> Iterator[Change]:
    was, now = old["tools"].get(tool), new["tools"].get(tool)
    if was == now and (tool not in sides.facts or not _by_tier(was)):
        return  # The same words; where only the tier differs and the effect class is unknown, the tier's change says so.
    path = ("roles", name, "tools", tool)
    told = _told(sides, tool, old), _told(sides, tool, new)
    found = dict(judged for kind in sides.classes(tool) for judged in _judged(sides, tool, old, new, kind))
    if not found and was != now:
        found = {NEUTRAL: "What it may do stays the same."}
    for effect, why in found.items():
        yield Change(path, "tools", f"{tool} for {title(name)}: {told[0]} becomes {told[1]}.", *told, effect, why)


def _by_tier(rule: Mapping[str, Any] | None) -> bool:
    return rule is not None and "mode" not in rule


def _judged(sides: Sides, tool: str, old: Role, new: Role, kind: str) -> Iterator[tuple[str, str]]:
    """The effects for one effect class, for every span of time in which both sides stay as they are."""
    try:
        spans = list(beside(course(old, tool, kind), course(new, tool, kind)))
    except ValueError:  # A time that no calendar has: nothing can be shown.
        yield LOOSENS, "The time its rule ends is none, so nothing can be shown."
        return
    for was, now, when in spans:
        if was == now:
            yield from _by_route(sides, tool, old, new) if now == "approval" else ()
        elif STRENGTH[now] > STRENGTH[was]:
            yield TIGHTENS, f"{MODES[now]} is stricter than {MODES[was]}{when}."
        else:
            yield LOOSENS, f"{MODES[now]} is less strict than {MODES[was]}{when}."


def _by_route(sides: Sides, tool: str, old: Role, new: Role) -> Iterator[tuple[str, str]]:
    """Where both sides ask: other people may be asked."""
    if _route_name(old, tool) == _route_name(new, tool):
        return
    judged = stricter_route(_route(sides.routes[0], old, tool), _route(sides.routes[1], new, tool))
    if judged is not None and judged[0] != NEUTRAL:
        yield judged


def _route_name(role: Role, tool: str) -> str | None:
    name: str | None = (role["tools"].get(tool) or {}).get("route")
    return name


def _route(routes: Mapping[str, Route], role: Role, tool: str) -> Route | None:
    name = _route_name(role, tool)
    return default_route(routes) if name is None else routes.get(name)


def _told(sides: Sides, tool: str, role: Role) -> str:
    found = {modes(role, tool, kind) for kind in sides.classes(tool)}
    if len(found) > 1:
        return f"as tier {role['tier']} says"
    route = _route_name(role, tool)
    said = [f"{MODES[mode]} by {route}" if mode == "approval" and route else MODES[mode] for mode in found.pop()]
    return said[0] if len(said) == 1 else f"{said[0]} until {role['tools'][tool]['until']}, then {said[1]}"


def compare_tier(sides: Sides, name: str, old: Role, new: Role) -> Iterator[Change]:
    """The tier itself. Where the effect class of every tool that follows it is known, its tools say what changes."""
    if old["tier"] == new["tier"]:
        return
    path, label = ("roles", name, "tier"), f"Tier of {title(name)}: {old['tier']} becomes {new['tier']}"
    following = [tool for tool, rule in {**old["tools"], **new["tools"]}.items() if "mode" not in rule]
    if sides.facts and all(tool in sides.facts for tool in following):
        yield Change(
            path, "roles", f"{label}.", old["tier"], new["tier"], NEUTRAL, "What it changes is said tool by tool."
        )
        return
    for effect, classes in _tier_effects(old["tier"], new["tier"]).items():
        changed = ", ".join(classes)
        word = "stricter" if effect == TIGHTENS else "less strict"
        yield Change(
            path, "roles", f"{label}: {changed}.", old["tier"], new["tier"], effect, f"The new tier is {word} here."
        )


def _tier_effects(old: str, new: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in EFFECT_CLASSES:
        was, now = (effective_mode({"tier": tier, "tools": {"": {}}}, "", kind) for tier in (old, new))
        if was != now:
            effect = TIGHTENS if STRENGTH[now] > STRENGTH[was] else LOOSENS
            found.setdefault(effect, []).append(f"{kind.replace('_', ' ')} {MODES[was]} becomes {MODES[now]}")
    return found
