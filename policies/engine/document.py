"""A policy document, loaded: parsed strictly, checked against the schema, cross-references resolved, expressions compiled."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import rfc8785
from jsonschema import Draft202012Validator

from policies.engine.expressions import BadExpression, Expression, compile_expression
from policies.engine.problems import PolicyError, Problem
from policies.engine.schema import NOT_ENFORCED, SCHEMA, SEPARATION
from policies.engine.types import Request, Route, RouteStep
from policies.engine.yaml_source import Path, Source, read

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_VALIDATOR = Draft202012Validator(SCHEMA)
DEFAULT_EXPIRY_S = 3600


@dataclass(frozen=True, slots=True)
class ToolRule:
    mode: str | None
    route: str | None


@dataclass(frozen=True, slots=True)
class FieldRule:
    read: frozenset[str]
    write: frozenset[str]
    refuse_action: bool


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    tier: str
    tools: Mapping[str, ToolRule]
    fields: Mapping[str, FieldRule]
    scopes: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class When:
    """Which calls a rule is about. An empty list is no restriction; an empty `when` is every call."""

    tools: frozenset[str]
    resource_types: frozenset[str]
    effect_classes: frozenset[str]

    def covers(self, request: Request) -> bool:
        tool = request.tool
        return (
            (not self.tools or tool.name in self.tools)
            and (not self.resource_types or tool.resource_type in self.resource_types)
            and (not self.effect_classes or tool.effect_class in self.effect_classes)
        )


@dataclass(frozen=True, slots=True)
class Invariant:
    id: str
    name: str
    when: When
    expression: Expression
    forbid: bool
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Limit:
    """`max` is in minor units of `currency` for money, in calls for count; `window_s` is 0 for per-action limits."""

    id: str
    name: str
    when: When
    kind: str
    per: str
    max: int
    currency: str | None
    window_s: int
    over: str
    route: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """One loaded policy. `digest` is SHA-256 of the RFC 8785 bytes of its plain value."""

    slug: str
    name: str
    digest: str
    roles: Mapping[str, Role]
    invariants: tuple[Invariant, ...]
    limits: tuple[Limit, ...]
    routes: Mapping[str, Route]
    tests: tuple[Mapping[str, Any], ...]
    plain: Mapping[str, Any] = field(repr=False)


def load(text: str) -> Document:
    """A document from YAML text. Raises PolicyError with every problem found, each with line, column and path."""
    source = read(text)
    problems = [*_schema_problems(source), *_not_enforced(source, source.value, ())]
    if problems:
        raise PolicyError(tuple(sorted(problems, key=lambda problem: (problem.line, problem.column))))
    return _Builder(source).build()


def _schema_problems(source: Source) -> Iterator[Problem]:
    for error in _VALIDATOR.iter_errors(source.value):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            for name in sorted(set(error.instance) - set(error.schema.get("properties", {}))):
                known = ", ".join(sorted(error.schema.get("properties", {})))
                yield source.problem((*path, name), f"{name} is not known here. Use one of: {known}.")
        else:
            yield source.problem(path, f"{error.message[:200]}.")


def _not_enforced(source: Source, value: Any, path: Path) -> Iterator[Problem]:
    for pattern, what in NOT_ENFORCED.items():
        if len(pattern) == len(path) and all(part in ("*", name) for part, name in zip(pattern, path, strict=True)):
            yield source.problem(path, f"{what}: parsed but not enforced by this release. Remove this part.")
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _not_enforced(source, item, (*path, name))


def seconds(duration: str) -> int:
    """`15min` as seconds."""
    number, unit = re.match(r"(\d+)(\w+)", duration).groups()  # type: ignore[union-attr]  # the schema checked it
    return int(number) * _UNITS[unit]


class _Builder:
    """Builds a document from a value that satisfies the schema; collects what a schema cannot see."""

    def __init__(self, source: Source) -> None:
        self.source, self.data, self.problems = source, source.value, list[Problem]()

    def build(self) -> Document:
        routes = {name: self._route(name, data) for name, data in (self.data.get("routes") or {}).items()}
        document = Document(
            slug=self.data["policy"]["slug"],
            name=self.data["policy"]["name"],
            digest="sha256:" + hashlib.sha256(rfc8785.dumps(self.data)).hexdigest(),
            roles={name: self._role(name, data) for name, data in self.data["roles"].items()},
            invariants=tuple(self._invariant(n, data) for n, data in enumerate(self.data.get("invariants") or ())),
            limits=tuple(self._limit(n, data) for n, data in enumerate(self.data.get("limits") or ())),
            routes=routes,
            tests=tuple(self.data.get("tests") or ()),
            plain=self.data,
        )
        self._unique("invariants")
        self._unique("limits")
        if self.problems:
            raise PolicyError(tuple(self.problems))
        return document

    def _add(self, path: Path, message: str) -> None:
        self.problems.append(self.source.problem(path, message))

    def _unique(self, section: str) -> None:
        seen: set[str] = set()
        for number, item in enumerate(self.data.get(section) or ()):
            if item["id"] in seen:
                self._add((section, number, "id"), f"{item['id']} is used twice. Give each rule its own id.")
            seen.add(item["id"])

    def _expression(self, path: Path, source: str) -> Expression:
        try:
            return compile_expression(source)
        except BadExpression as error:
            self._add(path, str(error))
            return Expression(source, None)

    def _check_route(self, path: Path, name: str | None) -> None:
        if name is not None and name not in (self.data.get("routes") or {}):
            self._add(path, f"There is no route {name}. Add it under routes, or name another.")

    def _route(self, name: str, data: Mapping[str, Any]) -> Route:
        steps = tuple(RouteStep(step["name"], step["group"], step.get("quorum", 1)) for step in data["steps"])
        expires = seconds(data["expires"]) if "expires" in data else DEFAULT_EXPIRY_S
        return Route(name, steps, expires, tuple(data.get("separation", SEPARATION)))

    def _role(self, name: str, data: Mapping[str, Any]) -> Role:
        for tool, rule in data["tools"].items():
            path: Path = ("roles", name, "tools", tool)
            self._check_route((*path, "route"), rule.get("route"))
            if rule.get("mode") == "approval" and "route" not in rule:
                self._add((*path, "mode"), "Approval needs a route. Name who decides.")
        scopes = {
            kind: self._expression(("roles", name, "scopes", kind), source)
            for kind, source in (data.get("scopes") or {}).items()
        }
        tools = {tool: ToolRule(rule.get("mode"), rule.get("route")) for tool, rule in data["tools"].items()}
        fields = {kind: _field_rule(rule) for kind, rule in (data.get("fields") or {}).items()}
        return Role(name, data["tier"], tools, fields, scopes)

    def _invariant(self, number: int, data: Mapping[str, Any]) -> Invariant:
        key = "forbid" if "forbid" in data else "require"
        expression = self._expression(("invariants", number, key), data[key])
        name = data.get("name", data["id"])
        return Invariant(
            data["id"], name, _when(data["when"]), expression, key == "forbid", data["reason"], data.get("remedy", "")
        )

    def _limit(self, number: int, data: Mapping[str, Any]) -> Limit:
        path: Path = ("limits", number)
        if data["kind"] == "money" and "currency" not in data:
            self._add(path, "A money limit needs a currency.")
        if data["kind"] == "rate" and data["per"] == "action":
            self._add(path, "A rate is calls in a window: say per agent, role or workspace.")
        if (data["per"] == "action") == ("window" in data):
            self._add(path, "A limit per action has no window; every other limit needs one.")
        if (data["over"] == "approval") != ("route" in data):
            self._add(path, "A limit with over: approval names its route; one with over: deny has none.")
        if data["over"] == "approval" and data["per"] != "action":
            self._add(path, "Only a limit per action can lead to approval. Use over: deny.")
        self._check_route((*path, "route"), data.get("route"))
        window = seconds(data["window"]) if "window" in data else 0
        return Limit(
            data["id"], data.get("name", data["id"]), _when(data["when"]), data["kind"], data["per"], data["max"],
            data.get("currency"), window, data["over"], data.get("route"),
        )  # fmt: skip


def _field_rule(data: Mapping[str, Any]) -> FieldRule:
    refuse = data.get("unlisted") == "refuse_action"
    return FieldRule(frozenset(data.get("read", ())), frozenset(data.get("write", ())), refuse)


def _when(data: Mapping[str, Any]) -> When:
    parts = (frozenset(data.get(name, ())) for name in ("tools", "resource_types", "effect_classes"))
    return When(*parts)
