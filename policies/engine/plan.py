"""What a document says of one role and tool, worked out once: only the rules that can speak, as closures in order.

A decision then costs what its own rules cost, however many others the document has.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.engine import limits
from policies.engine.endings import told
from policies.engine.expressions import Context, EvaluationFailed, Expression, union
from policies.engine.parts import Breaker, Document, FieldRule, Freeze, Invariant, Role, ToolRule
from policies.engine.types import TIERS, Check, Request, Route, ToolFacts

Rule = Callable[[Request, Context], Check]
# More pairs of a role and a tool than a document of 256 KiB lists in practice; it bounds what strange input can make us keep.
MAX_PLANS = 16_384
_NO_FIELDS = FieldRule(frozenset(), frozenset(), {}, refuse_action=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """One role and tool. `rules` are evaluated for every call, whatever came before; `passes` is field -> its check."""

    mode: str
    tier: str
    head: Check
    rules: tuple[Rule, ...]
    limits: tuple[limits.Rule, ...]
    reads: dict[str, frozenset[str] | None]
    allowed: frozenset[str]
    passes: dict[str, Check]
    refuse_action: bool
    route: Route | None
    redact: dict[str, str]


def plan_for(document: Document, role: Role, tool: ToolFacts, at: datetime) -> Plan:
    """The plan of a role and tool at an instant, kept with the document: one before the end of the tool's rule, one after."""
    rule = role.tools.get(tool.name)
    ended = rule is not None and rule.ended(at)
    key = (role.name, tool.name, tool.resource_type, tool.effect_class, tool.reversibility, tool.returns_rows, ended)
    found: Plan | None = document.plans.get(key)
    if found is None:
        if len(document.plans) >= MAX_PLANS:
            _make_room(document.plans)
        found = document.plans[key] = _plan(document, role, tool, at)
    return found


def _make_room(plans: dict[Any, Plan]) -> None:
    """The plan that was kept longest goes, and no other: a crowd of new calls costs each of them its own plan."""
    try:
        del plans[next(iter(plans))]
    except (RuntimeError, KeyError, StopIteration):
        return  # Another thread made room in this very moment.


def mode_for(role: Role, tool: str, effect_class: str, at: datetime) -> str:
    """The mode of a tool for a role at an instant: its own, else its tier's for the effect class. A tool not listed is off."""
    rule = role.tools.get(tool)
    if rule is None:
        return "off"
    return (rule.then if rule.ended(at) else rule.mode) or TIERS[role.tier].get(effect_class, "off")


def _plan(document: Document, role: Role, tool: ToolFacts, at: datetime) -> Plan:
    mode = mode_for(role, tool.name, tool.effect_class, at)
    fields = role.fields.get(tool.resource_type, _NO_FIELDS)
    about = document.about
    invariants = about.of(about.invariants, role.name, tool)
    scope = None if tool.returns_rows else role.scopes.get(tool.resource_type)
    expressions = [rule.expression for rule in invariants] + ([scope] if scope else [])
    route = _route(document, role, tool, mode)
    return Plan(
        mode=mode,
        tier=role.tier,
        head=_head(role, tool, mode, route, at),
        rules=tuple(_rules(document, role, tool, invariants, scope)),
        limits=tuple(limits.rule(limit, document.routes) for limit in about.of(about.limits, role.name, tool)),
        reads=union(expressions),
        allowed=fields.write,
        # A name with a dot in it is no path, however it is spelled: `policies.engine.paths` says how it is written.
        passes={name: _field_passes(name, fields.write, tool) for name in fields.write if "." not in name},
        refuse_action=fields.refuse_action,
        route=route,
        redact=dict(document.redact.get(tool.resource_type) or {}),
    )


def _rules(
    document: Document, role: Role, tool: ToolFacts, invariants: list[Invariant], scope: Expression | None
) -> Iterator[Rule]:
    about = document.about
    yield from map(_freeze, about.of(about.freezes, role.name, tool))
    yield from map(_breaker, about.of(about.breakers, role.name, tool))
    if scope is not None:
        yield _scope(role, tool.resource_type, scope)
    yield from map(_invariant, invariants)


def _head(role: Role, tool: ToolFacts, mode: str, route: Route | None, at: datetime) -> Check:
    """The tool's mode for this role, as the check that reports it."""
    path = f"roles.{role.name}.tools.{tool.name}"
    if tool.name not in role.tools:
        reason = f"{tool.name} isn't among the tools of role {role.name}."
        remedy = "A policy admin can add it to the role."
        return Check("Tool", "denied", f"roles.{role.name}.tools", tool.name, "listed", reason, remedy)
    while_, since = _ending(role.tools[tool.name], at)
    if mode == "off":
        reason = f"{tool.name} is off for role {role.name}{since}."
        return Check("Tool", "denied", path, "off", "on", reason, "A policy admin can turn it on.")
    if mode == "auto":
        reason = f"{tool.name} may run automatically for role {role.name}{while_}."
        return Check("Tool mode", "passed", path, "auto", "auto", reason)
    if mode == "approval" and route is None:
        reason = f"{tool.name} needs approval, and no route of this policy says whose."
        return Check("Tool mode", "denied", path, "no route", "a route", reason, "A policy admin can add a route.")
    needs = "a person to review and send it" if mode == "draft" else "approval"
    return Check("Tool mode", "escalated", path, mode, "auto", f"{tool.name} needs {needs}{while_}{since}.")


def _ending(rule: ToolRule, at: datetime) -> tuple[str, str]:
    """What a sentence says of the end of a rule that lasts, and of one that ended; "" where there is nothing to say."""
    if rule.until is None:
        return "", ""
    ended = f", because the rule that asked less ended at {told(rule.until)}"
    return ("", ended) if rule.ended(at) else (f" until {told(rule.until)}", "")


def _route(document: Document, role: Role, tool: ToolFacts, mode: str) -> Route | None:
    """Who decides where the tool's own mode asks for approval; without a named route, the document's strictest."""
    if mode != "approval":
        return None
    named = role.tools[tool.name].route
    if named is not None:
        return document.routes[named]
    return max(document.routes.values(), key=limits.strictness, default=None)


def _field_passes(name: str, allowed: frozenset[str], tool: ToolFacts) -> Check:
    reason = f"{name} is on the allowlist for {tool.name}."
    return Check("Field allowlist", "passed", f"fields.{tool.resource_type}", name, listed(allowed), reason, field=name)


def listed(allowed: frozenset[str]) -> str:
    """An allowlist as people read it."""
    return ", ".join(sorted(allowed)) or "none"


def _freeze(freeze: Freeze) -> Rule:
    path = f"freezes.{freeze.id}"
    passed = Check(freeze.name, "passed", path, False, "outside the freeze", "No freeze is in force.")

    def check(request: Request, context: Context) -> Check:
        ends = freeze.window.end_of(request.at)
        if ends is None:
            return passed
        until = f"{ends:%Y-%m-%d %H:%M} UTC"
        reason = f"{freeze.reason} The freeze lasts until {until}."
        return Check(freeze.name, "denied", path, True, until, reason, f"Ask again after {until}.")

    return check


def _breaker(breaker: Breaker) -> Rule:
    path = f"breakers.{breaker.id}"
    passed = Check(breaker.name, "passed", path, False, "not tripped", "This breaker has not tripped.")

    def check(request: Request, context: Context) -> Check:
        if breaker.key(str(request.agent["id"]), request.tool) not in request.tripped:
            return passed
        reason = f"The circuit breaker {breaker.name} has tripped, so this waits for a person to reset it."
        return Check(breaker.name, "denied", path, True, "not tripped", reason, "An operator can look and reset it.")

    return check


def _scope(role: Role, resource_type: str, expression: Expression) -> Rule:
    """The row scope of the resource type over the target record. A scope without a record to test denies."""
    path = f"roles.{role.name}.scopes.{resource_type}"
    reason = f"The target {resource_type} is in scope."
    passed = Check("Row scope", "passed", path, True, expression.source, reason)
    out = Check(
        "Row scope", "denied", path, False, expression.source, f"The target {resource_type} is out of scope.",
        "Ask for a record in scope, or ask a policy admin to widen it.",
    )  # fmt: skip

    def check(request: Request, context: Context) -> Check:
        try:
            return passed if request.record is not None and expression.holds(context) else out
        except EvaluationFailed as error:
            return _broken("Row scope", path, expression.source, error)

    return check


def _invariant(rule: Invariant) -> Rule:
    """A rule no approval can override."""
    path, source = f"invariants.{rule.id}", rule.expression.source
    passed = Check(rule.name, "passed", path, True, source, "This rule holds.")
    remedy = rule.remedy or "No approval can override this. Change the request."
    denied = Check(rule.name, "denied", path, False, source, rule.reason, remedy)

    def check(request: Request, context: Context) -> Check:
        try:
            return passed if rule.expression.holds(context) != rule.forbid else denied
        except EvaluationFailed as error:
            return _broken(rule.name, path, source, error)

    return check


def _broken(name: str, path: str, source: str, error: EvaluationFailed) -> Check:
    reason = f"The rule {path} could not be evaluated ({error}), so it denies."
    return Check(name, "denied", path, "error", source, reason, "A policy admin must mend this rule.")


def values(request: Request) -> dict[str, Any]:
    """What expressions may look at."""
    tool, money = request.tool, request.money
    return {
        "args": request.arguments,
        "fields": request.fields,
        "record": request.record,
        "agent": request.agent,
        "requester": request.requester,
        "tool": {"name": tool.name, "resource_type": tool.resource_type, "effect_class": tool.effect_class},
        "money": {"amount": money.amount_minor, "currency": money.currency} if money else None,
        "recipients": request.recipients,
    }
