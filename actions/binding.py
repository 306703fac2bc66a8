"""What an approval binds: one digest over everything that must still hold when the action runs (P4, B-03)."""

from typing import Any

from actions.models import Action
from traces.canonical import canonical_text, digest_of, sha256_hex


def prestate(before: dict[str, Any] | None) -> str:
    """Fingerprint of the target record as read: its place, version token and fields."""
    if before is None:
        return "none"
    return digest_of({key: before[key] for key in ("path", "version", "fields")})


def bind(action: Action) -> str:
    """The digest of exactly what would run, at which system (R-22), under which policy, for whom."""
    return digest_of(
        {
            "workspace": action.workspace_id,
            "action": action.pk,
            "tool": action.tool_name,
            "tool_digest": action.tool_digest,
            "system": action.goes_to,
            "arguments": action.arguments_text,
            "prestate": prestate(action.before),
            "policy": (action.decision.get("policy") or {}).get("digest", ""),
            "requester": action.requester_id,
            "agent": action.agent_id,
            "nonce": action.nonce,
        }
    )


def arguments_text(arguments: dict[str, Any]) -> str:
    """Arguments as stored, displayed, hashed and sent: RFC 8785 text."""
    return canonical_text(arguments)


def bound(action: Action) -> dict[str, Any]:
    """What a verdict's signature names: the parts of the digest one by one, and the risk (B-03)."""
    definition = action.definition
    policy = action.decision.get("policy") or {}
    return {
        "arguments": "sha256:" + sha256_hex(action.arguments_text.encode("utf-8")),
        "tool": action.tool_digest,
        "system": action.goes_to,
        "policy": {key: policy.get(key) for key in ("slug", "version", "digest")},
        "prestate": prestate(action.before),
        "requester": action.requester_id,
        "agent": action.agent_id,
        "effect_class": definition.effect_class if definition else "",
        "reversibility": definition.reversibility if definition else "",
    }
