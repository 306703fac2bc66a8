"""The JSON Schema of a policy document: the whole language. Published as docs/policy.schema.json (a test keeps them equal)."""

from typing import Any

from policies.engine.types import EFFECT_CLASSES, MODES, TIERS

_NAME = {"type": "string", "pattern": r"^[a-z][a-z0-9_.-]{0,79}$"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_CEL = {"type": "string", "minLength": 1, "maxLength": 2000}
_DURATION = {"type": "string", "pattern": r"^[1-9][0-9]{0,4}(s|min|h|d)$"}
_FIELDS = {"type": "array", "uniqueItems": True, "items": {"type": "string", "minLength": 1, "maxLength": 120}}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def _map(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": value}


_WHEN = _object(
    {
        "tools": {"type": "array", "items": _NAME},
        "resource_types": {"type": "array", "items": _NAME},
        "effect_classes": {"type": "array", "items": {"enum": list(EFFECT_CLASSES)}},
    }
)
_ROLE = _object(
    {
        "tier": {"enum": list(TIERS)},
        "tools": _map(_object({"mode": {"enum": list(MODES)}, "route": _NAME})),
        "fields": _map(
            _object(
                {
                    "read": _FIELDS,
                    "write": _FIELDS,
                    "mask": _map(_TEXT),
                    "unlisted": {"enum": ["refuse_field", "refuse_action"]},
                }
            )
        ),
        "scopes": _map(_CEL),
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
        "per": {"enum": ["action", "agent", "role", "workspace"]},
        "max": {"type": "integer", "minimum": 0, "maximum": 10**15},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "window": _DURATION,
        "over": {"enum": ["deny", "approval"]},
        "route": _NAME,
    },
    ("id", "when", "kind", "per", "max", "over"),
)
_STEP = _object(
    {"name": _TEXT, "group": _NAME, "quorum": {"type": "integer", "minimum": 1, "maximum": 20}}, ("name", "group")
)
SEPARATION = ("requester", "agent_owner", "editor", "same_person", "late_joiner")
_ROUTE = _object(
    {
        "steps": {"type": "array", "minItems": 1, "maxItems": 10, "items": _STEP},
        "expires": _DURATION,
        "separation": {"type": "array", "uniqueItems": True, "items": {"enum": list(SEPARATION)}},
        "escalation": {},
        "break_glass": {},
    },
    ("steps",),
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
            },
            ("role", "tool"),
        ),
        "expect": _object(
            {
                "effect": {"enum": ["allow", "draft", "approval", "deny"]},
                "refused": {"type": "array", "items": {"type": "string"}},
                "rules": {"type": "array", "items": {"type": "string"}},
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
            "breakers": {"type": "array"},
            "freezes": {"type": "array"},
            "redact": _map(_map(_TEXT)),
            "waivers": {"type": "array"},
            "tests": {"type": "array", "items": _TEST},
        },
        ("policy", "roles"),
    ),
}

# Parsed, and refused until the engine enforces them: a rule that is ignored is worse than none.
NOT_ENFORCED: dict[tuple[str, ...], str] = {
    ("breakers",): "Circuit breakers",
    ("freezes",): "Freezes",
    ("waivers",): "Waivers",
    ("redact",): "Redaction by policy",
    ("routes", "*", "escalation"): "Escalation timers",
    ("routes", "*", "break_glass"): "Break glass",
    ("roles", "*", "fields", "*", "mask"): "Masking",
}
