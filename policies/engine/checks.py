"""Questions about a document that are asked before or beside a decision: a tool's mode, the counters to read."""

from collections.abc import Mapping

from policies.engine.parts import Document
from policies.engine.plan import mode_for, plan_for
from policies.engine.types import Request

__all__ = ["counters", "mode_for"]


def counters(document: Document, request: Request) -> Mapping[str, int]:
    """Counters whose usage must be read before deciding: key -> window in seconds."""
    role = document.roles.get(request.role)
    if role is None:
        return {}
    rules = plan_for(document, role, request.tool, request.at).limits
    return {rule.key(request): rule.limit.window_s for rule in rules if rule.key is not None}
