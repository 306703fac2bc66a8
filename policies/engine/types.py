"""The values the engine takes and gives."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

EFFECT_CLASSES = ("read", "draft", "write", "side_effect", "continuous")
MODES = ("off", "auto", "draft", "approval")
TIERS: dict[str, dict[str, str]] = {
    "read-only": {"read": "auto", "draft": "off", "write": "off", "side_effect": "off", "continuous": "off"},
    "draft-only": {"read": "auto", "draft": "auto", "write": "draft", "side_effect": "off", "continuous": "off"},
    "execute-with-approval": {
        "read": "auto", "draft": "auto", "write": "approval", "side_effect": "approval", "continuous": "off",
    },
    "autonomous": {"read": "auto", "draft": "auto", "write": "auto", "side_effect": "auto", "continuous": "auto"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """What policy knows of a tool; set by an admin, never by the tool (M-07)."""

    name: str
    resource_type: str
    effect_class: str
    reversibility: str
    # A search has no target record: its row scope is judged on every row it returns.
    returns_rows: bool = False
    # Whether its arguments hold an amount: only such a tool is held by a limit on money.
    moves_money: bool = False


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents) of an ISO 4217 currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Request:
    """One tool call: authenticated principals, stored state and parsed arguments; no text an agent wrote to persuade (A-01).

    `usage` is limit key -> amount already held or settled in that limit's window, this action's own hold excluded.
    `tripped` names the breakers that hold now, as `id:per:whose`.
    """

    role: str
    agent: Mapping[str, Any]
    requester: Mapping[str, Any]
    tool: ToolFacts
    arguments: Mapping[str, Any]
    fields: Mapping[str, Any]
    record: Mapping[str, Any] | None
    money: Money | None
    recipients: tuple[str, ...]
    usage: Mapping[str, int]
    at: datetime
    tripped: frozenset[str] = frozenset()


class Check(NamedTuple):
    """One rule and what it said. `outcome` is passed, escalated or denied; `reason` and `remedy` are sentences.

    A tuple, because a decision makes a dozen of them and most are the same ones each time.
    """

    name: str
    outcome: str
    rule: str
    value: Any
    threshold: Any
    reason: str
    remedy: str = ""
    field: str | None = None


class Hold(NamedTuple):
    """What to reserve while the action is undecided or running. `amount` in the limit's unit."""

    key: str
    limit: str
    amount: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class RouteStep:
    """Who decides one step: `quorum` different people of `group`."""

    name: str
    group: str | None
    quorum: int


@dataclass(frozen=True, slots=True)
class Route:
    """Ordered steps, how long they may take, who may not decide, and how surely those who decide prove who they are."""

    name: str
    steps: tuple[RouteStep, ...]
    expires_in_s: int
    separation: tuple[str, ...]
    step_up: str = "none"


@dataclass(slots=True)
class Decision:
    """What may happen. `effect` is allow, draft, approval or deny; all checks are listed whatever the effect.

    `nearest` is for the one who asked: what could be asked instead, and what that would need; None where nothing close is
    allowed or saying it would tell a rule. `redact` is field -> kind for the tool's resource type.
    """

    effect: str
    mode: str
    tier: str
    checks: tuple[Check, ...]
    route: Route | None
    refused_fields: tuple[str, ...]
    holds: tuple[Hold, ...]
    reason: str
    policy: Mapping[str, Any]
    redact: Mapping[str, str] = field(default_factory=dict)
    nearest: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict; the same inputs give the same RFC 8785 bytes."""
        return {
            "effect": self.effect,
            "mode": self.mode,
            "tier": self.tier,
            "checks": [check._asdict() for check in self.checks],
            "route": asdict(self.route) if self.route else None,
            "refused_fields": list(self.refused_fields),
            "holds": [hold._asdict() for hold in self.holds],
            "reason": self.reason,
            "policy": dict(self.policy),
            "redact": dict(self.redact),
            "nearest": dict(self.nearest) if self.nearest else None,
        }
