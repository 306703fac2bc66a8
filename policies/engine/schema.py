"""The JSON Schema of a policy document: the whole language. Published as docs/policy.schema.json (a test keeps them equal)."""

from typing import Any

from policies.engine.types import EFFECT_CLASSES, MODES, TIERS

_NAME = {"type": "string", "pattern": r"^[a-z][a-z0-9_.-]{0,79}$"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_CEL = {"type": "string", "minLength": 1, "maxLength": 2000}
_DURATION = {"type": "string", "pattern": r"^[1-9][0-9]{0,4}(s|min|h|d)$"}
# A field of a record, or a path into it: `address.city`; a path through a list means every element: `charges.amount`.
_PATH = {"type": "string", "pattern": r"^[^.\[\]\x00-\x1f]+(\.[^.\[\]\x00-\x1f]+)*$", "minLength": 1, "maxLength": 120}
_FIELDS = {"type": "array", "uniqueItems": True, "items": _PATH}
_KINDS = {
    "type": "object",
    "propertyNames": _PATH,
    "additionalProperties": {"type": "string", "pattern": "^[a-z][a-z ]{0,39}$"},
}
_INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$"}
_CLOCK = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def _map(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": value}


_WHEN = _object(
    {
        "roles": {"type": "array", "items": _NAME},
        "tools": {"type": "array", "items": _NAME},
        "resource_types": {"type": "array", "items": _NAME},
        "effect_classes": {"type": "array", "items": {"enum": list(EFFECT_CLASSES)}},
    }
)
# Before `until` a tool's mode is `mode`, from then on `then`: by itself approval where a route is named, else off.
_TOOL = _object(
    {
        "mode": {"enum": list(MODES)},
        "route": _NAME,
        "until": _INSTANT,
        "then": {"enum": [mode for mode in MODES if mode != "auto"]},
    }
) | {"dependentRequired": {"until": ["mode"], "then": ["until"]}}
_ROLE = _object(
    {
        "tier": {"enum": list(TIERS)},
        "tools": _map(_TOOL),
        "fields": _map(
            _object(
                {
                    "read": _FIELDS,
                    "write": _FIELDS,
                    "mask": _KINDS,
                    "unlisted": {"enum": ["refuse_field", "refuse_action"]},
                }
            )
        ),
        "scopes": _map(_CEL),
        "runbook": {"type": "string", "pattern": "^(https://|/(?!/))[!-~]*$", "maxLength": 300},
        "on_call": _NAME,
    },
    ("tier", "tools"),
)
_INVARIANT = _object(
    {"id": _NAME, "name": _TEXT, "when": _WHEN, "require": _CEL, "forbid": _CEL, "reason": _TEXT, "remedy": _TEXT},
    ("id", "when", "reason"),
) | {"oneOf": [{"required": ["require"]}, {"required": ["forbid"]}]}
_LIMIT = _object(
    {
        "id": _NAME,
        "name": _TEXT,
        "when": _WHEN,
        "kind": {"enum": ["money", "count", "rate"]},
        "per": {"enum": ["action", "agent", "role", "requester", "workspace"]},
        "max": {"type": "integer", "minimum": 0, "maximum": 10**15},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "window": _DURATION,
        "over": {"enum": ["deny", "approval"]},
        "route": _NAME,
    },
    ("id", "when", "kind", "per", "max", "over"),
)
# What an admin may say of a person, and a step may ask for. In small ASCII letters: two that look alike are the same.
ATTRIBUTES = ("department", "title", "region")
ATTRIBUTE = {"type": "string", "pattern": r"^[a-z0-9]([a-z0-9 ._-]{0,78}[a-z0-9])?$"}
_EMAIL = {"type": "string", "pattern": r"^[^\sA-Z@]+@[^\sA-Z@]+$", "maxLength": 254}
# `with: previous` makes steps parallel: they are decided at the same time as the one before, in any order.
_STEP = _object(
    {
        "name": _TEXT,
        "group": _NAME,
        "people": {"type": "array", "minItems": 1, "maxItems": 20, "uniqueItems": True, "items": _EMAIL},
        "attributes": _object(dict.fromkeys(ATTRIBUTES, ATTRIBUTE)) | {"minProperties": 1},
        "quorum": {"type": "integer", "minimum": 1, "maximum": 20},
        "with": {"enum": ["previous"]},
    },
    ("name",),
) | {"anyOf": [{"required": ["group"]}, {"required": ["people"]}, {"required": ["attributes"]}]}
# Without `step`, whatever step still waits by then.
_ESCALATION = _object({"after": _DURATION, "to": _NAME, "step": _TEXT}, ("after", "to"))
# What an emergency's reason has at least, in characters, where the route does not ask for more.
REASON_MIN = 20
_BREAK_GLASS = _object(
    {
        "group": _NAME,
        "reason_min": {"type": "integer", "minimum": REASON_MIN, "maximum": 500},
        "review_within": _DURATION,
        "review_group": _NAME,
        "notify": {"type": "array", "maxItems": 10, "uniqueItems": True, "items": _NAME},
    },
    ("group", "review_group"),
)
SEPARATION = ("requester", "agent_owner", "editor", "same_person", "late_joiner")
# From the least to the most a person must prove to approve; the workspace's own floor may ask more.
STEP_UPS = ("none", "totp", "passkey")
_ROUTE = _object(
    {
        "steps": {"type": "array", "minItems": 1, "maxItems": 10, "items": _STEP},
        "expires": _DURATION,
        "separation": {"type": "array", "uniqueItems": True, "items": {"enum": list(SEPARATION)}},
        "step_up": {"enum": list(STEP_UPS)},
        # Approvals of one person an hour above which each of theirs needs a second approver; the workspace may ask it sooner.
        "second_above": {"type": "integer", "minimum": 1, "maximum": 1000},
        "remind": _DURATION,
        "escalation": {"type": "array", "minItems": 1, "maxItems": 10, "items": _ESCALATION},
        "break_glass": _BREAK_GLASS,
    },
    ("steps",),
)
_WINDOW = {
    "from": _INSTANT,
    "until": _INSTANT,
    "days": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(DAYS)}},
    "start": _CLOCK,
    "end": _CLOCK,
}
# Either one span of time, or a window of every week. All times are UTC.
_FREEZE = _object({"id": _NAME, "name": _TEXT, "when": _WHEN, "reason": _TEXT, **_WINDOW}, ("id", "when", "reason")) | {
    "oneOf": [{"required": ["from", "until"]}, {"required": ["days", "start", "end"]}]
}
BREAKER_EVENTS = ("failures", "rejections", "rollbacks", "denials", "repeats", "spend")
_BREAKER = _object(
    {
        "id": _NAME,
        "name": _TEXT,
        "when": _WHEN,
        "on": {"enum": list(BREAKER_EVENTS)},
        "per": {"enum": ["agent", "tool", "connection", "workspace"]},
        "max": {"type": "integer", "minimum": 0, "maximum": 10**15},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "window": _DURATION,
    },
    ("id", "when", "on", "per", "max", "window"),
)
DEMOTED_BY = ("rollbacks", "failures", "rejections")
# More than `above` per cent of an agent's changes in the window, of at least so many, bring its role down to a tier.
_DEMOTION = _object(
    {
        "id": _NAME,
        "name": _TEXT,
        "role": _NAME,
        "on": {"enum": list(DEMOTED_BY)},
        "above": {"type": "integer", "minimum": 0, "maximum": 99},
        "window": _DURATION,
        "at_least": {"type": "integer", "minimum": 1, "maximum": 100_000},
        "to": {"enum": [tier for tier in TIERS if tier != "autonomous"]},
    },
    ("id", "role", "on", "above", "window", "at_least", "to"),
)
# `control` is `<effect class>.<control>` of the ship gate; without `role` the waiver is for every role.
_WAIVER = _object(
    {
        "id": _NAME,
        "control": {"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$"},
        "role": _NAME,
        "reason": _TEXT,
        "by": _TEXT,
        "expires": _INSTANT,
    },
    ("id", "control", "reason", "by", "expires"),
)
_TEST = _object(
    {
        "name": _TEXT,
        "given": _object(
            {
                "role": _NAME,
                "tool": _object(
                    {
                        "name": _NAME,
                        "resource_type": _NAME,
                        "effect_class": {"enum": list(EFFECT_CLASSES)},
                        "reversibility": {"enum": ["reversible", "compensable", "irreversible"]},
                        "returns_rows": {"type": "boolean"},
                        "moves_money": {"type": "boolean"},
                        "connection": _NAME,
                        "needs": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
                    },
                    ("name", "resource_type", "effect_class", "reversibility"),
                ),
                "arguments": {"type": "object"},
                "fields": {"type": "object"},
                "record": {"type": ["object", "null"]},
                "money": _object(
                    {"amount": {"type": "integer"}, "currency": {"type": "string"}}, ("amount", "currency")
                ),
                "recipients": {"type": "array", "items": {"type": "string"}},
                "usage": {"type": "object", "additionalProperties": {"type": "integer"}},
                "requester": {"type": "object"},
                "agent": {"type": "object"},
                "at": _INSTANT,
                "tripped": {"type": "array", "items": {"type": "string"}},
            },
            ("role", "tool"),
        ),
        "expect": _object(
            {
                "effect": {"enum": ["allow", "draft", "approval", "deny"]},
                "refused": {"type": "array", "items": {"type": "string"}},
                "rules": {"type": "array", "items": {"type": "string"}},
                "route": _NAME,
            },
            ("effect",),
        ),
    },
    ("name", "given", "expect"),
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:remit:schema:policy:1",
    "title": "Remit policy document",
    **_object(
        {
            "policy": _object({"slug": _NAME, "name": _TEXT}, ("slug", "name")),
            "roles": _map(_ROLE),
            "invariants": {"type": "array", "items": _INVARIANT},
            "limits": {"type": "array", "items": _LIMIT},
            "routes": _map(_ROUTE),
            "breakers": {"type": "array", "items": _BREAKER},
            "demotions": {"type": "array", "items": _DEMOTION},
            "freezes": {"type": "array", "items": _FREEZE},
            "redact": _map(_KINDS),
            "waivers": {"type": "array", "items": _WAIVER},
            "tests": {"type": "array", "items": _TEST},
        },
        ("policy", "roles"),
    ),
}
