"""A policy document, loaded: what each of its parts is, once parsed strictly and checked.

`policies.engine.document.load` is the one way in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from policies.engine.expressions import Expression
from policies.engine.types import Request, Route, ToolFacts
from policies.engine.windows import Window


@dataclass(frozen=True, slots=True)
class ToolRule:
    """A role's own word on a tool; None where the tier or the document decides.

    Before `until` the mode is `mode`; from that instant on it is `then`, which asks more. Both are None without an end.
    """

    mode: str | None
    route: str | None
    until: datetime | None = None
    then: str | None = None

    def ended(self, at: datetime) -> bool:
        """Whether the rule's end has come. Raises TypeError for a time without a zone, where the rule has an end."""
        return self.until is not None and at >= self.until


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Paths a role may read and write of one resource type; `mask` is path -> kind of value."""

    read: frozenset[str]
    write: frozenset[str]
    mask: Mapping[str, str]
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

    roles: frozenset[str]
    tools: frozenset[str]
    resource_types: frozenset[str]
    effect_classes: frozenset[str]

    def covers(self, request: Request) -> bool:
        """Whether a rule with this `when` speaks of the call."""
        return (not self.roles or request.role in self.roles) and self.may_cover(request.tool)

    def may_cover(self, tool: ToolFacts) -> bool:
        """Whether it speaks of the tool, for some role."""
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
    """`max` is in minor units of `currency` for money, in calls otherwise; `window_s` is 0 for per-action limits."""

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
class Freeze:
    """A span of time in which covered calls are denied, approved or not."""

    id: str
    name: str
    when: When
    reason: str
    window: Window


@dataclass(frozen=True, slots=True)
class Breaker:
    """More than `max` events in `window_s` trip it. `max` is in minor units of `currency` for spend."""

    id: str
    name: str
    when: When
    on: str
    per: str
    max: int
    currency: str | None
    window_s: int

    def key(self, agent_id: str, tool: ToolFacts) -> str:
        """Whose counter: `id:agent:<agent>`, `id:tool:<tool>`, `id:connection:<slug>` or `id:workspace:all`."""
        whose = {"agent": agent_id, "tool": tool.name, "connection": tool.connection, "workspace": "all"}[self.per]
        return f"{self.id}:{self.per}:{whose}"


@dataclass(frozen=True, slots=True)
class Demotion:
    """More than `above` per cent of the changes of one agent in `window_s`, of `at_least` so many, demote its role to a tier."""

    id: str
    name: str
    role: str
    on: str
    above: int
    window_s: int
    at_least: int
    to: str


@dataclass(frozen=True, slots=True)
class Document:
    """One loaded policy. `digest` is SHA-256 of the RFC 8785 bytes of its plain value.

    `plans` keeps what was worked out for a role and tool; it is filled by `policies.engine.plan` and is no part of the
    document's value.
    """

    slug: str
    name: str
    digest: str
    roles: Mapping[str, Role]
    invariants: tuple[Invariant, ...]
    limits: tuple[Limit, ...]
    freezes: tuple[Freeze, ...]
    breakers: tuple[Breaker, ...]
    demotions: tuple[Demotion, ...]
    redact: Mapping[str, Mapping[str, str]]
    routes: Mapping[str, Route]
    tests: tuple[Mapping[str, Any], ...]
    plain: Mapping[str, Any] = field(repr=False)
    plans: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    about: "About" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """What each rule is about is looked up by, so that a role and tool never look at the rules of all others."""
        object.__setattr__(self, "about", About(self))


Spoken = TypeVar("Spoken", Invariant, Limit, Freeze, Breaker)
_Key = tuple[str, str]
_EVERY: _Key = ("", "")


class About:
    """The rules of a document by one thing each of them names: a tool, else a role, else a resource type, else anything."""

    def __init__(self, document: Document) -> None:
        self.invariants = _indexed(document.invariants)
        self.limits = _indexed(document.limits)
        self.freezes = _indexed(document.freezes)
        self.breakers = _indexed(document.breakers)

    @staticmethod
    def of(rules: Mapping[_Key, Sequence[Spoken]], role: str, tool: ToolFacts) -> list[Spoken]:
        """The rules about a role and tool, by id, so that the order they are written in decides nothing."""
        keys = (("tool", tool.name), ("role", role), ("type", tool.resource_type), _EVERY)
        near = [rule for key in keys for rule in rules.get(key, ())]
        about = [
            rule for rule in near if (not rule.when.roles or role in rule.when.roles) and rule.when.may_cover(tool)
        ]
        return sorted(about, key=lambda rule: rule.id)


def _indexed(rules: Sequence[Spoken]) -> dict[_Key, list[Spoken]]:
    found: dict[_Key, list[Spoken]] = {}
    for rule in rules:
        for key in _keys(rule.when):
            found.setdefault(key, []).append(rule)
    return found


def _keys(when: When) -> list[_Key]:
    for kind, names in (("tool", when.tools), ("role", when.roles), ("type", when.resource_types)):
        if names:
            return [(kind, name) for name in names]
    return [_EVERY]
