"""The decision: every check evaluated and reported; deny beats approval beats draft beats auto; any error is a deny."""

from collections.abc import Mapping
from typing import Any

from policies.engine import limits
from policies.engine.expressions import Context
from policies.engine.parts import Document
from policies.engine.paths import covering, leaves, segment
from policies.engine.plan import Plan, listed, plan_for, values
from policies.engine.types import Check, Decision, Request, Route, ToolFacts

_EFFECT = {"auto": "allow", "draft": "draft", "approval": "approval", "off": "deny"}
_EMPTY: dict[str, Any] = {}


def decide(document: Document, request: Request, *, version: int = 0) -> Decision:
    """Never raises for what a request contains: an error inside is a denial that says so (P5)."""
    policy = {"slug": document.slug, "name": document.name, "version": version, "digest": document.digest}
    role = document.roles.get(request.role)
    if role is None:
        reason = f"Policy {document.name} has no role {request.role}."
        remedy = "A policy admin can add the role, or give the agent another."
        check = Check("Role", "denied", "roles", request.role, "known", reason, remedy)
        return _denied(policy, "off", "", (check,), reason)
    try:
        return _decide(plan_for(document, role, request.tool, request.at), request, policy)
    except Exception as error:  # INVARIANT: no input makes the engine fail open. Held by tests/policies/test_engine.py.
        reason = f"The decision could not be made ({type(error).__name__}), so the answer is no."
        check = Check("Engine", "denied", "engine", "error", "", reason, "Change the request, or ask a policy admin.")
        return _denied(policy, "off", role.tier, (check,), reason)


def deny(document: Document, *, version: int, name: str, rule: str, reason: str, remedy: str = "") -> Decision:
    """A denial for something found outside the engine: a target that cannot be read, an unknown tool."""
    policy = {"slug": document.slug, "name": document.name, "version": version, "digest": document.digest}
    return _denied(policy, "off", "", (Check(name, "denied", rule, None, None, reason, remedy),), reason)


def _denied(
    policy: Mapping[str, Any], mode: str, tier: str, found: tuple[Check, ...], reason: str,
    redact: Mapping[str, str] = _EMPTY, nearest: Mapping[str, Any] | None = None,
) -> Decision:  # fmt: skip
    return Decision("deny", mode, tier, found, None, (), (), reason, policy, redact, nearest)


def _decide(plan: Plan, request: Request, policy: Mapping[str, Any]) -> Decision:
    context = Context(values(request), plan.reads) if plan.reads else _NOTHING_READ
    rules = [plan.head, *[rule(request, context) for rule in plan.rules]]
    said = [rule.say(request) for rule in plan.limits]
    rules += [one.check for one in said]
    fields, refused = _fields(plan, request)
    every = (*rules, *fields)
    mode, route = _escalate(plan, said)
    needed = next((name for name in refused if name in request.tool.needs), None)
    stop = _stop(plan, rules, fields, nothing_left=len(refused) == len(request.fields), needed=needed)
    if stop is not None:
        nearest = _nearest(plan, every, said, mode, route) if needed is None else None
        return _denied(policy, plan.mode, plan.tier, every, stop.reason, plan.redact, nearest)
    holds = tuple([one.hold for one in said if one.hold is not None])
    reason = _reason(mode, rules)
    return Decision(_EFFECT[mode], mode, plan.tier, every, route, refused, holds, reason, policy, plan.redact)


_NOTHING_READ = Context({}, {})


def _fields(plan: Plan, request: Request) -> tuple[list[Check], tuple[str, ...]]:
    """Every written field against the allowlist of its resource type; no list means no field.

    A record in a field is refused whole when one part of it is: whether a system would keep or clear the part left out is
    not known here.
    """
    found: list[Check] = []
    refused: list[str] = []
    for name in sorted(request.fields):
        passed = plan.passes.get(name)
        if passed is not None:
            found.append(passed)
            continue
        paths = sorted(set(leaves({name: request.fields[name]})))
        parts = [_field(path, name, plan, request.tool) for path in paths]
        found += parts
        if any(check.outcome == "denied" for check in parts):
            refused.append(name)
    return found, tuple(refused)


def _field(path: str, name: str, plan: Plan, tool: ToolFacts) -> Check:
    kind, shown = f"fields.{tool.resource_type}", listed(plan.allowed)
    if covering(path, plan.allowed) is not None:
        reason = f"{path} is on the allowlist for {tool.name}."
        return Check("Field allowlist", "passed", kind, path, shown, reason, field=path)
    reason = f"{path} isn't on the allowlist for {tool.name}. {'It' if path == name else name} was not written."
    remedy = f"Leave it out, or ask a policy admin to allow it. Allowed: {shown}."
    if name in tool.needs:
        reason = f"{path} isn't on the allowlist for {tool.name}, which takes no call without {name}."
        remedy = f"Ask a policy admin to allow it. Allowed: {shown}."
    return Check("Field allowlist", "denied", kind, path, shown, reason, remedy, path)


def _stop(
    plan: Plan, rules: list[Check], fields: list[Check], *, nothing_left: bool, needed: str | None
) -> Check | None:
    """The check that denies the call. A refused field does when the rule says so, when nothing is left to write, or when the
    tool needs it: left out, a system would fill in what nobody decided on.
    """
    for check in rules:
        if check.outcome == "denied":
            return check
    if needed is not None:
        return next(check for check in fields if check.outcome == "denied" and _is_of(check.field or "", needed))
    if plan.refuse_action or nothing_left:
        return next((check for check in fields if check.outcome == "denied"), None)
    return None


def _is_of(path: str, name: str) -> bool:
    """Whether a path is that of a field or of a part of it."""
    return path == segment(name) or path.startswith(segment(name) + ".")


def _escalate(plan: Plan, said: list[limits.Said]) -> tuple[str, Route | None]:
    """The strictest mode asked for, and the strictest route among those that ask for approval; without any, `_head` denied."""
    asked = [one.route for one in said if one.route is not None]
    if plan.route is not None:
        asked.append(plan.route)
    if not asked:
        return plan.mode, None
    return "approval", max(asked, key=limits.strictness)


def _reason(mode: str, rules: list[Check]) -> str:
    if mode == "auto":
        return "Every check passed."
    asked = next((check for check in rules if check.outcome == "escalated" and check.name != "Tool mode"), None)
    return (asked or rules[0]).reason


def _nearest(
    plan: Plan, every: tuple[Check, ...], said: list[limits.Said], mode: str, route: Route | None
) -> dict[str, Any] | None:
    """The closest call that would not be denied, where everything that denied was a field or an amount.

    Says nothing where another rule denied: there the check's remedy is all that may be told.
    """
    over = [one for one in said if one.check.outcome == "denied"]
    denied = sum(check.outcome == "denied" for check in every)
    fields = sum(check.outcome == "denied" and check.name == "Field allowlist" for check in every)
    if denied != fields + len(over) or any(one.room is None for one in over):
        return None
    rooms = {one.limit.id: limits.text(one.limit, one.room or 0) for one in over}
    steps = [step.name for step in route.steps] if route else []
    return {
        "fields": sorted(plan.allowed) if fields else None,
        "at_most": rooms or None,
        "then": _EFFECT[mode],
        "approval": steps,
    }
