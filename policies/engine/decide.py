"""The decision: every check evaluated and reported; deny beats approval beats draft beats auto; any error is a deny."""

from collections.abc import Mapping
from typing import Any

from policies.engine import checks
from policies.engine.document import Document, Limit, Role
from policies.engine.types import Check, Decision, Hold, Request, Route

_RANK = {"auto": 0, "draft": 1, "approval": 2}
_EFFECT = {"auto": "allow", "draft": "draft", "approval": "approval", "off": "deny"}


def decide(document: Document, request: Request, *, version: int = 0) -> Decision:
    """Never raises for what a request contains: an error inside is a denial that says so (P5)."""
    policy = {"slug": document.slug, "name": document.name, "version": version, "digest": document.digest}
    role = document.roles.get(request.role)
    if role is None:
        reason = f"Policy {document.name} has no role {request.role}."
        return _denied(policy, "off", "", (Check("Role", "denied", "roles", request.role, "known", reason),), reason)
    try:
        return _decide(document, role, request, policy)
    except Exception as error:  # INVARIANT: no input makes the engine fail open. Held by tests/policies/test_engine.py.
        reason = f"The decision could not be made ({type(error).__name__}), so the answer is no."
        return _denied(policy, "off", role.tier, (Check("Engine", "denied", "engine", "error", "", reason),), reason)


def deny(document: Document, *, version: int, name: str, rule: str, reason: str, remedy: str = "") -> Decision:
    """A denial for something found outside the engine: a target that cannot be read, an unknown tool."""
    policy = {"slug": document.slug, "name": document.name, "version": version, "digest": document.digest}
    return _denied(policy, "off", "", (Check(name, "denied", rule, None, None, reason, remedy),), reason)


def _denied(policy: Mapping[str, Any], mode: str, tier: str, found: tuple[Check, ...], reason: str) -> Decision:
    return Decision("deny", mode, tier, found, None, (), (), reason, policy)


def _decide(document: Document, role: Role, request: Request, policy: Mapping[str, Any]) -> Decision:
    mode, mode_check = checks.mode(role, request)
    field_checks = list(checks.fields(role, request))
    refused = tuple(check.value for check in field_checks if check.outcome == "denied")
    limits = list(checks.limits(document, request))
    rules = [
        mode_check,
        *checks.scope(role, request),
        *checks.invariants(document, request),
        *(c for c, _, _ in limits),
    ]
    every = (*rules, *field_checks)
    stop = next((check for check in rules if check.outcome == "denied"), None) or _fields_stop(
        role, request, field_checks
    )
    if stop is not None:
        return _denied(policy, mode, role.tier, every, stop.reason)
    mode, route = _escalate(document, role, request, mode, limits)
    holds = tuple(hold for _, _, hold in limits if hold is not None)
    return Decision(_EFFECT[mode], mode, role.tier, every, route, refused, holds, _reason(mode, rules), policy)


def _fields_stop(role: Role, request: Request, found: list[Check]) -> Check | None:
    """Whether refused fields refuse the action: when the rule says so, or when nothing is left to write."""
    denied = [check for check in found if check.outcome == "denied"]
    rule = role.fields.get(request.tool.resource_type)
    if denied and (len(denied) == len(found) or (rule is not None and rule.refuse_action)):
        return denied[0]
    return None


def _escalate(
    document: Document, role: Role, request: Request, mode: str, limits: list[tuple[Check, Limit, Hold | None]]
) -> tuple[str, Route | None]:
    """The strictest mode asked for, and the longest route among those that ask for approval."""
    names = [limit.route for check, limit, _ in limits if check.outcome == "escalated" and limit.route]
    own = role.tools[request.tool.name].route
    if mode == "approval" and own is None:
        names.append(_only_route(document))
    elif mode == "approval" and own:
        names.append(own)
    if not names:
        return mode, None
    routes = [document.routes[name] for name in names]
    return "approval", max(routes, key=lambda route: (len(route.steps), sum(s.quorum for s in route.steps), route.name))


def _only_route(document: Document) -> str:
    """A tier that asks for approval without naming a route takes the document's longest; without any it is an error."""
    return max(document.routes, key=lambda name: (len(document.routes[name].steps), name))


def _reason(mode: str, rules: list[Check]) -> str:
    asked = next((check for check in rules if check.outcome == "escalated" and check.name != "Tool mode"), None)
    return (asked or rules[0]).reason if mode != "auto" else "Every check passed."


def visible(
    document: Document, role_name: str, resource_type: str, record: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """A record as this role may read it, and the names withheld: unlisted fields are withheld."""
    role = document.roles.get(role_name)
    rule = role.fields.get(resource_type) if role else None
    allowed = (rule.read | {"id"}) if rule else frozenset({"id"})
    shown = {name: value for name, value in record.items() if name in allowed}
    return shown, sorted(set(record) - set(shown))
