"""What an approval binds: one digest over everything that must still hold when the action runs (P4, B-03)."""

from typing import Any

from actions.models import Action
from traces.canonical import canonical_text, digest_of


def prestate(before: dict[str, Any] | None) -> str:
    """Fingerprint of the target record as read: its place, version token and fields."""
    if before is None:
        return "none"
    return digest_of({key: before[key] for key in ("path", "version", "fields")})


def bind(action: Action) -> str:
    """The digest of exactly what would run, under which policy, for whom."""
    return digest_of(
        {
            "workspace": action.workspace_id,
            "action": action.pk,
            "tool": action.tool_name,
            "tool_digest": action.tool_digest,
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
