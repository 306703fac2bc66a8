"""Approval routes: from the document, from a recorded decision, and what of one can never work. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.durations import seconds
from policies.engine.schema import REASON_MIN, SEPARATION
from policies.engine.types import BreakGlass, Escalation, Route, RouteStep
from policies.engine.yaml_source import Path

Plain = Mapping[str, Any]
DEFAULT_EXPIRY_S = 3600
REVIEW_WITHIN_S = 24 * 3600
# A reminder is a ledger entry: a route may not fill the ledger with them.
MOST_REMINDERS = 20


def route_of(name: str, data: Plain) -> Route:
    """One route of a document, with what it leaves unsaid filled in."""
    return Route(
        name,
        tuple(_step(step) for step in data["steps"]),
        seconds(data["expires"]) if "expires" in data else DEFAULT_EXPIRY_S,
        tuple(data.get("separation", SEPARATION)),
        seconds(data["remind"]) if "remind" in data else 0,
        tuple(Escalation(seconds(e["after"]), e["to"], e.get("step")) for e in data.get("escalation") or ()),
        _break_glass(data["break_glass"]) if "break_glass" in data else None,
        str(data.get("step_up", "none")),
        data.get("second_above"),
    )


def _step(step: Plain) -> RouteStep:
    wanted = tuple(sorted(step.get("attributes", {}).items()))
    return RouteStep(
        step["name"], step.get("group"), step.get("quorum", 1), tuple(step.get("people", ())), "with" in step, wanted
    )


def _break_glass(data: Plain) -> BreakGlass:
    within = seconds(data["review_within"]) if "review_within" in data else REVIEW_WITHIN_S
    return BreakGlass(
        data["group"], data.get("reason_min", REASON_MIN), within, data["review_group"], tuple(data.get("notify", ()))
    )


def recorded(data: Plain) -> Route:
    """The route of a recorded decision. What earlier releases did not record was not asked for."""
    steps = (
        RouteStep(
            s["name"],
            s["group"],
            s["quorum"],
            tuple(s.get("people", ())),
            bool(s.get("joins")),
            tuple((name, value) for name, value in s.get("attributes", ())),
        )
        for s in data["steps"]
    )
    glass = data.get("break_glass")
    return Route(
        data["name"],
        tuple(steps),
        data["expires_in_s"],
        tuple(data["separation"]),
        data.get("remind_s", 0),
        tuple(Escalation(**item) for item in data.get("escalation", ())),
        BreakGlass(**{**glass, "notify": tuple(glass["notify"])}) if glass else None,
        data.get("step_up", "none"),
        data.get("second_above"),
    )


def groups_of(route: Route) -> list[str]:
    """Every group a route names, each once, in the order it is met."""
    named = [step.group for step in route.steps] + [item.to for item in route.escalation]
    glass = route.break_glass
    named += [glass.group, glass.review_group, *glass.notify] if glass else []
    return list(dict.fromkeys(name for name in named if name))


def people_of(route: Route) -> list[str]:
    """The email of everybody a route names, each once."""
    return list(dict.fromkeys(email for step in route.steps for email in step.people))


def attributes_of(route: Route) -> list[tuple[tuple[str, str], ...]]:
    """What each step that asks for attributes wants a person to have, all at once; each such set once."""
    return list(dict.fromkeys(step.attributes for step in route.steps if step.attributes))


def mistakes(data: Plain) -> Iterator[tuple[Path, str]]:
    """What the schema cannot see of one route: where it is, and what to write instead."""
    route = route_of("", data)
    yield from _step_mistakes(route)
    yield from _escalation_mistakes(route)
    if not route.remind_s:
        return
    if route.remind_s >= route.expires_in_s:
        yield ("remind",), "The request expires before anybody is reminded. Make remind shorter than expires."
    elif route.expires_in_s / route.remind_s > MOST_REMINDERS:
        yield ("remind",), f"That is more than {MOST_REMINDERS} reminders before it expires. Remind less often."


def _step_mistakes(route: Route) -> Iterator[tuple[Path, str]]:
    for number, step in enumerate(route.steps):
        if step.joins and number == 0:
            yield ("steps", 0, "with"), "The first step has none before it. Remove with."
        if step.group is None and not step.attributes and len(step.people) < step.quorum:
            most = len(step.people)
            yield (
                ("steps", number),
                f"{step.quorum} people must decide {step.name} and it names {most}. Name more, or add a group or attributes.",
            )


def _escalation_mistakes(route: Route) -> Iterator[tuple[Path, str]]:
    seen: set[tuple[str, str | None]] = set()
    for number, item in enumerate(route.escalation):
        path: Path = ("escalation", number)
        if item.after_s >= route.expires_in_s:
            yield (*path, "after"), "The request expires before it escalates. Make after shorter than expires."
        about = [step for step in route.steps if item.step in (None, step.name)]
        if not about:
            names = ", ".join(step.name for step in route.steps)
            yield (*path, "step"), f"There is no step {item.step} in this route. Use one of: {names}."
        elif all(step.group == item.to for step in about):
            yield (*path, "to"), f"{item.to} decides that already. Name another group."
        if (item.to, item.step) in seen:
            yield path, f"It escalates to {item.to} twice. Keep the earlier one."
        seen.add((item.to, item.step))
