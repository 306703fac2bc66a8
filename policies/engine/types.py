"""The values the engine takes and gives."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

EFFECT_CLASSES = ("read", "draft", "write", "side_effect", "continuous")
MODES = ("off", "auto", "draft", "approval")
# How much each mode asks.
STRENGTH = {"auto": 0, "draft": 1, "approval": 2, "off": 3}
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
    # The slug of the system of record it reaches, for what is counted per connection.
    connection: str = ""
    # The fields its schema requires: what is left without one of them is no call of this tool.
    needs: tuple[str, ...] = ()


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
    """Who decides one step: `quorum` different people of `group`, or with one of the emails in `people`, or with all of the
    `attributes`, each a name and its value.

    A step that `joins` is decided at the same time as the one before it, in any order.
    """

    name: str
    group: str | None
    quorum: int
    people: tuple[str, ...] = ()
    joins: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """After `after_s` seconds people of group `to` may decide too what still waits: step `step`, or any (None)."""

    after_s: int
    to: str
    step: str | None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may run an action without the people still asked, and what they owe for it.

    The reason has at least `reason_min` characters. A review is due `review_within_s` seconds later; one of `review_group`
    confirms it. People of the groups in `notify` are told.
    """

    group: str
    reason_min: int
    review_within_s: int
    review_group: str
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Steps, how long they may take, who may not decide, who is added when nobody does, and the way for an emergency.

    `remind_s` is the time between reminders in seconds, 0 for none. `step_up` is what those who decide prove. Above
    `second_above` approvals of one person an hour, each of theirs needs a second approver of its step (None: never).
    """

    name: str
    steps: tuple[RouteStep, ...]
    expires_in_s: int
    separation: tuple[str, ...]
    remind_s: int = 0
    escalation: tuple[Escalation, ...] = ()
    break_glass: BreakGlass | None = None
    step_up: str = "none"
    second_above: int | None = None


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
