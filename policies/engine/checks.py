"""One function a kind of rule; each gives the checks it made. Wording follows ui.md: what, which rule, what to do."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.document import Document, Limit, Role
from policies.engine.expressions import EvaluationFailed
from policies.engine.types import TIERS, Check, Hold, Request

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def values(request: Request) -> dict[str, Any]:
    """What expressions may look at."""
    tool = request.tool
    return {
        "args": dict(request.arguments),
        "fields": dict(request.fields),
        "record": dict(request.record) if request.record is not None else None,
        "agent": dict(request.agent),
        "requester": dict(request.requester),
        "tool": {"name": tool.name, "resource_type": tool.resource_type, "effect_class": tool.effect_class},
        "money": {"amount": request.money.amount_minor, "currency": request.money.currency} if request.money else None,
        "recipients": list(request.recipients),
    }


def mode_for(role: Role, tool: str, effect_class: str) -> str:
    """The mode of a tool for a role: its own, else its tier's for the effect class. A tool not listed is off."""
    rule = role.tools.get(tool)
    if rule is None:
        return "off"
    return rule.mode or TIERS[role.tier].get(effect_class, "off")


def mode(role: Role, request: Request) -> tuple[str, Check]:
    """The tool's mode for this role with the check that reports it."""
    tool = request.tool
    rule_path = f"roles.{role.name}.tools.{tool.name}"
    if tool.name not in role.tools:
        reason = f"{tool.name} isn't among the tools of role {role.name}."
        remedy = "A policy admin can add it to the role."
        return "off", Check("Tool", "denied", f"roles.{role.name}.tools", tool.name, "listed", reason, remedy)
    chosen = mode_for(role, tool.name, tool.effect_class)
    if chosen == "off":
        reason = f"{tool.name} is off for role {role.name}."
        return "off", Check("Tool", "denied", rule_path, "off", "on", reason, "A policy admin can turn it on.")
    if chosen in {"draft", "approval"}:
        needs = "a person to review and send it" if chosen == "draft" else "approval"
        return chosen, Check("Tool mode", "escalated", rule_path, chosen, "auto", f"{tool.name} needs {needs}.")
    reason = f"{tool.name} may run automatically for role {role.name}."
    return "auto", Check("Tool mode", "passed", rule_path, "auto", "auto", reason)


def fields(role: Role, request: Request) -> Iterator[Check]:
    """Every written field against the allowlist of its resource type; no list means no field."""
    kind = request.tool.resource_type
    rule = role.fields.get(kind)
    allowed = rule.write if rule else frozenset()
    for name in sorted(request.fields):
        yield _field(name, allowed, request)


def _field(name: str, allowed: frozenset[str], request: Request) -> Check:
    path, listed = f"fields.{request.tool.resource_type}", ", ".join(sorted(allowed)) or "none"
    if name in allowed:
        reason = f"{name} is on the allowlist for {request.tool.name}."
        return Check("Field allowlist", "passed", path, name, listed, reason, field=name)
    reason = f"{name} isn't on the allowlist for {request.tool.name}. It was not written."
    remedy = f"Leave it out, or ask a policy admin to allow it. Allowed: {listed}."
    return Check("Field allowlist", "denied", path, name, listed, reason, remedy, name)


def scope(role: Role, request: Request) -> Iterator[Check]:
    """The row scope of the resource type over the target record. A scope without a record to test denies."""
    expression = role.scopes.get(request.tool.resource_type)
    if expression is None:
        return
    path = f"roles.{role.name}.scopes.{request.tool.resource_type}"
    kind = request.tool.resource_type
    try:
        inside = request.record is not None and expression.holds(values(request))
    except EvaluationFailed as error:
        yield _broken("Row scope", path, expression.source, error)
        return
    if inside:
        yield Check("Row scope", "passed", path, True, expression.source, f"The target {kind} is in scope.")
        return
    remedy = "Ask for a record in scope, or ask a policy admin to widen it."
    yield Check("Row scope", "denied", path, False, expression.source, f"The target {kind} is out of scope.", remedy)


def _broken(name: str, path: str, source: str, error: EvaluationFailed) -> Check:
    reason = f"The rule {path} could not be evaluated ({error}), so it denies."
    return Check(name, "denied", path, "error", source, reason, "A policy admin must mend this rule.")


def invariants(document: Document, request: Request) -> Iterator[Check]:
    """Rules no approval can override."""
    for rule in document.invariants:
        if not rule.when.covers(request):
            continue
        path = f"invariants.{rule.id}"
        try:
            holds = rule.expression.holds(values(request)) != rule.forbid
        except EvaluationFailed as error:
            yield _broken(rule.name, path, rule.expression.source, error)
            continue
        if holds:
            yield Check(rule.name, "passed", path, True, rule.expression.source, "This rule holds.")
        else:
            remedy = rule.remedy or "No approval can override this. Change the request."
            yield Check(rule.name, "denied", path, False, rule.expression.source, rule.reason, remedy)


def amount(limit: Limit, request: Request) -> int | None:
    """What this call adds to a limit, in its unit; None when its currency cannot be compared."""
    if limit.kind != "money":
        return 1
    if request.money is None:
        return 0
    return request.money.amount_minor if request.money.currency == limit.currency else None


def key(limit: Limit, request: Request) -> str:
    """Whose counter a windowed limit is: `limit:agent:<id>`."""
    whose = {"agent": request.agent["id"], "role": request.role, "workspace": "all"}[limit.per]
    return f"{limit.id}:{limit.per}:{whose}"


def limits(document: Document, request: Request) -> Iterator[tuple[Check, Limit, Hold | None]]:
    """Each limit with its check and, for a windowed one, what to hold."""
    for limit in document.limits:
        if limit.when.covers(request):
            yield _limit(limit, request)


def _limit(limit: Limit, request: Request) -> tuple[Check, Limit, Hold | None]:
    path, added = f"limits.{limit.id}", amount(limit, request)
    if added is None or added < 0:
        reason = f"The amount cannot be compared with {text(limit, limit.max)}, so it is denied."
        return (
            Check(limit.name, "denied", path, "other currency", limit.max, reason, "Use the limit's currency."),
            limit,
            None,
        )
    if limit.per == "action":
        return _check(limit, path, added, added, "this action"), limit, None
    counter = key(limit, request)
    total = request.usage.get(counter, 0) + added
    return (
        _check(limit, path, total, added, f"the last {_window(limit.window_s)}"),
        limit,
        Hold(counter, limit.id, added, limit.window_s),
    )


def _check(limit: Limit, path: str, total: int, added: int, where: str) -> Check:
    shown, most = text(limit, total), text(limit, limit.max)
    if total <= limit.max:
        return Check(limit.name, "passed", path, total, limit.max, f"{shown} of {most} for {where}.")
    if limit.over == "approval":
        reason = f"{shown} is over the {most} automatic limit, so people have to approve."
        return Check(limit.name, "escalated", path, total, limit.max, reason)
    reason = f"{text(limit, added)} would bring {where} to {shown}, over the limit of {most}."
    return Check(
        limit.name, "denied", path, total, limit.max, reason, "Wait until the window has room, or ask for less."
    )


def text(limit: Limit, value: int) -> str:
    """An amount in the limit's unit."""
    if limit.kind != "money":
        return f"{value:,} {'call' if value == 1 else 'calls'}"
    symbol = _SYMBOLS.get(limit.currency or "")
    return f"{symbol}{value / 100:,.2f}" if symbol else f"{value / 100:,.2f} {limit.currency}"


def _window(window_s: int) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if window_s % size == 0:
            count = window_s // size
            return word if count == 1 else f"{count} {word}s"
    return f"{window_s} seconds"


def counters(document: Document, request: Request) -> Mapping[str, int]:
    """Counters whose usage must be read before deciding: key -> window in seconds."""
    covered = [limit for limit in document.limits if limit.per != "action" and limit.when.covers(request)]
    return {key(limit, request): limit.window_s for limit in covered}
