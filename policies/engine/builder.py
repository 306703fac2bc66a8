"""Builds a document from a value that satisfies the schema; collects what a schema cannot see."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

import rfc8785

from policies.engine import endings, parts
from policies.engine.currencies import CODES
from policies.engine.durations import seconds
from policies.engine.expressions import BadExpression, Expression, compile_expression
from policies.engine.mixups import mixed, mixed_words
from policies.engine.parts import Document, When
from policies.engine.problems import PolicyError, Problem, named
from policies.engine.routes import mistakes, route_of
from policies.engine.shipgate.controls import CONTROLS
from policies.engine.types import Route
from policies.engine.windows import Weekly, Window, clashes, instant, window
from policies.engine.yaml_source import Path, Source

_NEVER = Weekly((), time(0), 0)


class Builder:
    """One document in the making. `build` gives it, or raises PolicyError with every problem."""

    def __init__(self, source: Source) -> None:
        self.source, self.data, self.problems = source, source.value, list[Problem]()

    def build(self) -> Document:
        """The document. Raises PolicyError."""
        document = Document(
            slug=self.data["policy"]["slug"],
            name=self.data["policy"]["name"],
            digest="sha256:" + hashlib.sha256(rfc8785.dumps(self.data)).hexdigest(),
            roles={name: self._role(name, data) for name, data in self.data["roles"].items()},
            invariants=tuple(self._invariant(n, data) for n, data in self._section("invariants")),
            limits=tuple(self._limit(n, data) for n, data in self._section("limits")),
            freezes=tuple(self._freeze(n, data) for n, data in self._section("freezes")),
            breakers=tuple(self._breaker(n, data) for n, data in self._section("breakers")),
            demotions=tuple(self._demotion(n, data) for n, data in self._section("demotions")),
            redact=self.data.get("redact") or {},
            routes={name: self._route(name, data) for name, data in (self.data.get("routes") or {}).items()},
            tests=tuple(self.data.get("tests") or ()),
            plain=self.data,
        )
        self._whole(document)
        if self.problems:
            raise PolicyError(tuple(sorted(self.problems, key=lambda problem: (problem.line, problem.column))))
        return document

    def _section(self, name: str) -> enumerate[Mapping[str, Any]]:
        return enumerate(self.data.get(name) or ())

    def _whole(self, document: Document) -> None:
        """What only shows when all parts stand beside each other."""
        for section, key in (
            *((name, "id") for name in ("invariants", "limits", "freezes", "breakers", "demotions", "waivers")),
            ("tests", "name"),
        ):
            self._unique(section, key)
        for number, waiver in self._section("waivers"):
            self._check_control(("waivers", number, "control"), waiver["control"])
            self._check_role(("waivers", number, "role"), waiver.get("role"))
            self._check_instant(("waivers", number, "expires"), waiver["expires"])
        for number, test in self._section("tests"):
            self._check_test(number, test)
        self._check_freezes(document.freezes)
        self._check_limits(document.limits)

    def _add(self, path: Path, message: str) -> None:
        self.problems.append(self.source.problem(path, message))

    def _unique(self, section: str, key: str) -> None:
        seen: set[str] = set()
        for number, item in self._section(section):
            if item[key] in seen:
                self._add((section, number, key), f"{item[key]} is used twice. Give each its own {key}.")
            seen.add(item[key])

    def _expression(self, path: Path, source: str) -> Expression:
        try:
            return compile_expression(source)
        except BadExpression as error:
            self._add(path, str(error))
            return Expression(source, None, {})

    def _check_route(self, path: Path, name: str | None) -> None:
        if name is not None and name not in (self.data.get("routes") or {}):
            self._add(path, f"There is no route {name}. Add it under routes, or name another.")

    def _check_currency(self, path: Path, data: Mapping[str, Any]) -> None:
        """No call has an amount in a currency that is none: the rule would deny every one, or count nothing."""
        code = data.get("currency", "USD")
        if code not in CODES:
            self._add((*path, "currency"), f"{code} is no currency of ISO 4217. Write one of its codes, as in USD.")

    def _check_role(self, path: Path, name: str | None) -> None:
        if name is not None and name not in self.data["roles"]:
            self._add(path, f"There is no role {name}. Use one of: {named(self.data['roles'])}.")

    def _check_control(self, path: Path, key: str) -> None:
        """A waiver of a control that is not there would wait, unseen, for one of that name."""
        if key not in CONTROLS:
            self._add(path, f"There is no control {key}. Use one of: {', '.join(CONTROLS)}.")

    def _check_instant(self, path: Path, text: str) -> bool:
        try:
            instant(text)
        except ValueError as error:
            self._add(path, f"This is no time: {error}. Write UTC as 2026-11-21T08:00Z.")
            return False
        return True

    def _check_test(self, number: int, test: Mapping[str, Any]) -> None:
        """A test may name a role that is not there only to show that it is denied."""
        if test["expect"]["effect"] != "deny":
            self._check_role(("tests", number, "given", "role"), test["given"]["role"])
        if "at" in test["given"]:
            self._check_instant(("tests", number, "given", "at"), test["given"]["at"])
        self._check_route(("tests", number, "expect", "route"), test["expect"].get("route"))

    def _when(self, path: Path, data: Mapping[str, Any]) -> When:
        for number, name in enumerate(data.get("roles", ())):
            self._check_role((*path, "when", "roles", number), name)
        names = ("roles", "tools", "resource_types", "effect_classes")
        return When(*(frozenset(data.get(name, ())) for name in names))

    def _role(self, name: str, data: Mapping[str, Any]) -> parts.Role:
        scopes = {
            kind: self._expression(("roles", name, "scopes", kind), source)
            for kind, source in (data.get("scopes") or {}).items()
        }
        tools = {tool: self._tool(("roles", name, "tools", tool), rule) for tool, rule in data["tools"].items()}
        fields = {kind: _field_rule(rule) for kind, rule in (data.get("fields") or {}).items()}
        return parts.Role(name, data["tier"], tools, fields, scopes)

    def _tool(self, path: Path, data: Mapping[str, Any]) -> parts.ToolRule:
        self._check_route((*path, "route"), data.get("route"))
        for term, message in endings.mistakes(data):
            self._add((*path, term), message)
        if "until" in data and not self._check_instant((*path, "until"), data["until"]):
            return parts.ToolRule("off", None)
        return endings.tool_rule(data)

    def _invariant(self, number: int, data: Mapping[str, Any]) -> parts.Invariant:
        path, key = ("invariants", number), "forbid" if "forbid" in data else "require"
        return parts.Invariant(
            data["id"], data.get("name", data["id"]), self._when(path, data["when"]),
            self._expression((*path, key), data[key]), key == "forbid", data["reason"], data.get("remedy", ""),
        )  # fmt: skip

    def _limit(self, number: int, data: Mapping[str, Any]) -> parts.Limit:
        path: Path = ("limits", number)
        for wrong, message in _limit_mistakes(data):
            if wrong:
                self._add(path, message)
        self._check_currency(path, data)
        self._check_route((*path, "route"), data.get("route"))
        return parts.Limit(
            data["id"], data.get("name", data["id"]), self._when(path, data["when"]), data["kind"], data["per"],
            data["max"], data.get("currency"), seconds(data["window"]) if "window" in data else 0, data["over"],
            data.get("route"),
        )  # fmt: skip

    def _route(self, name: str, data: Mapping[str, Any]) -> Route:
        for path, message in mistakes(data):
            self._add(("routes", name, *path), message)
        return route_of(name, data)

    def _freeze(self, number: int, data: Mapping[str, Any]) -> parts.Freeze:
        path: Path = ("freezes", number)
        span: Window = _NEVER
        try:
            span = window(data)
        except ValueError as error:
            self._add(path, str(error))
        name = data.get("name", data["id"])
        return parts.Freeze(data["id"], name, self._when(path, data["when"]), data["reason"], span)

    def _breaker(self, number: int, data: Mapping[str, Any]) -> parts.Breaker:
        path: Path = ("breakers", number)
        if (data["on"] == "spend") != ("currency" in data):
            self._add(path, "A breaker on spend names its currency; every other has none.")
        self._check_currency(path, data)
        return parts.Breaker(
            data["id"], data.get("name", data["id"]), self._when(path, data["when"]), data["on"], data["per"],
            data["max"], data.get("currency"), seconds(data["window"]),
        )  # fmt: skip

    def _demotion(self, number: int, data: Mapping[str, Any]) -> parts.Demotion:
        self._check_role(("demotions", number, "role"), data["role"])
        return parts.Demotion(
            data["id"], data.get("name", data["id"]), data["role"], data["on"], data["above"], seconds(data["window"]),
            data["at_least"], data["to"],
        )  # fmt: skip

    def _check_freezes(self, freezes: Sequence[parts.Freeze]) -> None:
        same: dict[parts.When, list[int]] = {}
        for number, freeze in enumerate(freezes):
            same.setdefault(freeze.when, []).append(number)
        for numbers in same.values():
            for later, earlier in clashes([freezes[number].window for number in numbers]):
                other = freezes[numbers[earlier]].id
                self._add(
                    ("freezes", numbers[later]),
                    f"Its window overlaps that of {other} for the same calls. Join the two.",
                )

    def _check_limits(self, limits: Sequence[parts.Limit]) -> None:
        seen: dict[Any, str] = {}
        for number, limit in enumerate(limits):
            said = (limit.when, limit.kind, limit.per, limit.window_s, limit.over, limit.route)
            if said in seen:
                self._add(
                    ("limits", number), f"{seen[said]} limits the same calls in the same window. Keep one of them."
                )
            seen.setdefault(said, limit.id)
        for number, other in mixed(limits):
            self._add(("limits", number), mixed_words(limits[number], other))


def _limit_mistakes(data: Mapping[str, Any]) -> tuple[tuple[bool, str], ...]:
    per_action = data["per"] == "action"
    return (
        (data["kind"] == "money" and "currency" not in data, "A money limit needs a currency."),
        (data["kind"] != "money" and "currency" in data, "Only a money limit has a currency. Remove it."),
        (data["kind"] == "rate" and per_action, "A rate is calls in a window: say per agent, role or workspace."),
        (per_action == ("window" in data), "A limit per action has no window; every other limit needs one."),
        (
            (data["over"] == "approval") != ("route" in data),
            "A limit with over: approval names its route; one with over: deny has none.",
        ),
        (
            data["over"] == "approval" and not per_action,
            "Only a limit per action can lead to approval. Use over: deny.",
        ),
    )


def _field_rule(data: Mapping[str, Any]) -> parts.FieldRule:
    refuse = data.get("unlisted") == "refuse_action"
    return parts.FieldRule(
        frozenset(data.get("read", ())), frozenset(data.get("write", ())), data.get("mask") or {}, refuse
    )
