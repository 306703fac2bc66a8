"""The controls of each capability, as data: a key, a name, and a check that says what meets it or what is missing."""

from collections.abc import Callable
from dataclasses import dataclass

from policies.engine.shipgate.scene import Scene, different_people, holds
from policies.engine.types import Route, ToolFacts


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a control is met, by which rule, and a sentence."""

    met: bool
    by: str
    sentence: str


Check = Callable[[Scene], Finding]


@dataclass(frozen=True, slots=True)
class ControlType:
    """One control of the table."""

    key: str
    name: str
    check: Check


@dataclass(frozen=True, slots=True)
class Capability:
    """One row of the table."""

    effect_class: str
    name: str
    touches: str
    default_mode: str
    controls: tuple[ControlType, ...]


def _built_in(what: str, sentence: str) -> Check:
    return lambda scene: Finding(True, f"built in: {what}", sentence)


def _each(
    scene: Scene, by: Callable[[ToolFacts], str | None], met: str, lacking: Callable[[ToolFacts], str]
) -> Finding:
    """Met when every tool in use has a rule that meets it; otherwise says what the first one lacks."""
    found = {tool: by(tool) for tool in scene.tools}
    without = [tool for tool, rule in found.items() if rule is None]
    if without:
        more = f" The same holds for {', '.join(tool.name for tool in without[1:])}." if without[1:] else ""
        return Finding(False, "", lacking(without[0]) + more)
    rules = dict.fromkeys(rule for rule in found.values() if rule is not None)
    return Finding(True, ", ".join(rules), met if found else "No tool of this kind is on.")


def _human_review(scene: Scene) -> Finding:
    auto = "built in: a draft changes nothing outside until a person sends it"

    def by(tool: ToolFacts) -> str:
        return scene.path("tools", tool.name) if scene.mode(tool) in ("draft", "approval") else auto

    return _each(scene, by, "A person reviews every draft before it leaves.", lambda tool: tool.name)


def _content_filters(scene: Scene) -> Finding:
    """As needed, so it never blocks: it names the invariants that look at these drafts."""
    rules = dict.fromkeys(
        f"invariants.{rule['id']}" for tool in scene.tools for rule in scene.covering("invariants", tool)
    )
    if not rules:
        return Finding(True, "", "As needed: no invariant looks at these drafts.")
    return Finding(True, ", ".join(rules), "As needed: these invariants look at every draft.")


def _field_allowlist(scene: Scene) -> Finding:
    def by(tool: ToolFacts) -> str | None:
        listed = ((scene.role.get("fields") or {}).get(tool.resource_type) or {}).get("write")
        return scene.path("fields", tool.resource_type, "write") if listed else None

    def lacking(tool: ToolFacts) -> str:
        return f"{tool.name} writes {tool.resource_type}, and no field of it is listed. List the fields it may write."

    return _each(scene, by, "Only listed fields are written.", lacking)


def _rollback(scene: Scene) -> Finding:
    def by(tool: ToolFacts) -> str | None:
        if tool.reversibility == "reversible":
            return f"built in: {tool.name} is reversible"
        return scene.path("tools", tool.name) if scene.mode(tool) in ("draft", "approval") else None

    def lacking(tool: ToolFacts) -> str:
        return f"{tool.name} cannot be undone by restoring fields and runs by itself. Let people approve it or send it."

    return _each(scene, by, "Every write can be undone, or a person decides it first.", lacking)


def _per_object_scope(scene: Scene) -> Finding:
    def by(tool: ToolFacts) -> str | None:
        scoped = tool.resource_type in (scene.role.get("scopes") or {})
        return scene.path("scopes", tool.resource_type) if scoped else None

    def lacking(tool: ToolFacts) -> str:
        return f"{tool.name} may write any {tool.resource_type}. Add a row scope for it."

    return _each(scene, by, "Only rows in scope are written.", lacking)


def _multi_step_approvals(scene: Scene) -> Finding:
    """Every way a call can come to run takes two people: the laxest of them is the one that an agent would look for."""

    def alone(tool: ToolFacts) -> tuple[str, Route | None] | None:
        return next(((rule, by) for rule, by in scene.releases(tool) if by is None or different_people(by) < 2), None)

    def by(tool: ToolFacts) -> str | None:
        if alone(tool) is not None:
            return None
        sent = scene.path("tools", tool.name) if "approval" not in scene.modes(tool) else None
        return next((rule for rule, _ in scene.releases(tool)), sent)

    def lacking(tool: ToolFacts) -> str:
        rule, route = alone(tool) or ("", None)
        if route is None:
            done = "runs by itself" if rule else "asks for approval by no route"
            return f"{tool.name} {done}. Use mode approval with a route that two different people decide, or draft."
        return (
            f"One person can approve {tool.name} alone by route {route.name} ({rule}). Ask two different people there."
        )

    return _each(scene, by, "Two different people decide every call, or a person sends it.", lacking)


def _limits(scene: Scene) -> Finding:
    def by(tool: ToolFacts) -> str | None:
        return next((f"limits.{limit['id']}" for limit in scene.covering("limits", tool) if holds(limit, tool)), None)

    return _each(scene, by, "Every tool has a limit.", lambda tool: f"No limit covers {tool.name}. Add one.")


def _break_glass(scene: Scene) -> Finding:
    written = scene.document.get("routes") or {}

    def by(tool: ToolFacts) -> str | None:
        if set(scene.modes(tool)) <= {"draft", "off"}:
            return scene.path("tools", tool.name)
        routes = [route.name for _, route in scene.deciders(tool)]
        ready = bool(routes) and all("break_glass" in written[name] for name in routes)
        return f"routes.{routes[0]}.break_glass" if ready else None

    def lacking(tool: ToolFacts) -> str:
        return (
            f"Nobody can let {tool.name} through in an emergency. Add break_glass to every route that decides it, "
            "use mode draft, or waive it by name with a reason and an expiry."
        )

    return _each(scene, by, "Where people decide, an emergency has its own way; a draft waits for a person.", lacking)


def _runbooks(scene: Scene) -> Finding:
    if scene.role.get("runbook"):
        return Finding(True, scene.path("runbook"), f"The runbook is at {scene.role['runbook']}.")
    return Finding(False, "", "The role names no runbook. Add its address.")


def _bounded_action_space(scene: Scene) -> Finding:
    """The tools are named one by one in every document; a limit has to bound how often they are called."""

    def by(tool: ToolFacts) -> str | None:
        bounds = (limit for limit in scene.covering("limits", tool) if limit["kind"] in ("rate", "count"))
        whole = (limit for limit in bounds if limit["per"] in ("agent", "role", "workspace"))
        return next((f"limits.{limit['id']}" for limit in whole), None)

    def lacking(tool: ToolFacts) -> str:
        return f"Nothing bounds how often {tool.name} is called. Add a rate or count limit per agent or role."

    return _each(scene, by, "Every tool is named, and how often it is called is bounded.", lacking)


def _circuit_breakers(scene: Scene) -> Finding:
    def by(tool: ToolFacts) -> str | None:
        return next((f"breakers.{item['id']}" for item in scene.covering("breakers", tool)), None)

    return _each(scene, by, "Every tool has a breaker.", lambda tool: f"No breaker covers {tool.name}. Add one.")


def _on_call(scene: Scene) -> Finding:
    if scene.role.get("on_call"):
        return Finding(True, scene.path("on_call"), f"The group {scene.role['on_call']} is on call.")
    return Finding(False, "", "The role names nobody on call. Name a group.")


CAPABILITIES = (
    Capability(
        "read", "Read and summarize", "Docs, wiki, tickets, emails", "Auto-run allowed",
        (
            ControlType("read.data_access_logging", "Data access logging",
                        _built_in("the ledger", "Every read is an entry in the ledger.")),
            ControlType("read.tenant_isolation", "Tenant isolation",
                        _built_in("workspaces", "An agent reaches its own workspace only.")),
            ControlType("read.source_citations", "Source citations",
                        _built_in("traces", "What was read is recorded with each trace.")),
        ),
    ),
    Capability(
        "draft", "Draft artifacts", "Email, docs, PR descriptions", "Auto-draft, manual send or merge",
        (
            ControlType("draft.human_review", "Human review", _human_review),
            ControlType("draft.context_shown", "Show context used",
                        _built_in("traces", "The draft is shown with what it was made from.")),
            ControlType("draft.content_filters", "Content safety filters as needed", _content_filters),
        ),
    ),
    Capability(
        "write", "Write to systems of record", "CRM, ticketing, HRIS", "Approval required at first",
        (
            ControlType("write.field_allowlist", "Field-level allowlists", _field_allowlist),
            ControlType("write.diffs", "Diffs", _built_in("traces", "Every write shows each field before and after.")),
            ControlType("write.rollback", "Rollback", _rollback),
            ControlType("write.per_object_scope", "Per-object scope", _per_object_scope),
        ),
    ),
    Capability(
        "side_effect", "Execute workflows with side effects", "Payments and refunds, email campaigns, infra changes",
        "Manual execute, phased rollout",
        (
            ControlType("side_effect.multi_step_approvals", "Multi-step approvals", _multi_step_approvals),
            ControlType("side_effect.limits", "Spend and rate limits", _limits),
            ControlType("side_effect.break_glass", "Break glass", _break_glass),
            ControlType("side_effect.trace_ids", "Mandatory trace IDs",
                        _built_in("traces", "No call runs without a trace ID.")),
        ),
    ),
    Capability(
        "continuous", "Autonomous continuous operation", "Schedulers, monitors, incident responders",
        "Only for mature ops teams",
        (
            ControlType("continuous.runbooks", "Runbooks", _runbooks),
            ControlType("continuous.bounded_action_space", "Bounded action space", _bounded_action_space),
            ControlType("continuous.circuit_breakers", "Automatic circuit breakers", _circuit_breakers),
            ControlType("continuous.on_call", "On-call notification paths", _on_call),
        ),
    ),
)  # fmt: skip

CONTROLS = tuple(control.key for kind in CAPABILITIES for control in kind.controls)
