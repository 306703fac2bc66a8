"""What was decided, kept as replay needs it: exactly what the engine was given, what it said, what became of the action.

It decides nothing and writes no ledger entry: the ledger has the decision itself, these rows make it countable.
"""

from typing import Any

from accounts.clock import DatabaseNow
from accounts.writes import add, changed
from policies.engine.paths import leaves
from policies.engine.recorded import decoded, encoded, ruling, spoken
from policies.engine.types import Decision, Request
from policies.models import DecisionRecord

Outcome = DecisionRecord.Outcome
# What was denied before the engine was asked (a pause, an unreadable target, an unknown tool, more than the token or the person
# may have done): no document decides otherwise.
OUTSIDE_ENGINE = frozenset({"pause", "preview", "tools", "person.token", "token.scope", "person.rights"})


def record_decision(
    *,
    workspace_id: str,
    action_id: str,
    trace_id: str,
    agent_id: str,
    title: str,
    request: Request,
    decision: Decision,
    shadow: Decision | None = None,
    shadow_digest: str = "",
) -> DecisionRecord:
    """Keep one decision. A later one on the same action (a person's edit) replaces it whole, outcome included.

    Runs inside the transaction of the decision. Raises ValueError for a request that JSON cannot carry unchanged.
    """
    record = DecisionRecord(
        workspace_id=workspace_id,
        action_id=action_id,
        trace_id=trace_id,
        agent_id=agent_id,
        title=title[:300],
        role=request.role[:80],
        tool=request.tool.name[:120],
        effect_class=request.tool.effect_class,
        request_text=encoded(request),
        named=sorted(set(leaves(request.fields))),
        at=request.at,
        **_said(decision),
        **_shadowed(shadow, shadow_digest),
    )
    add([record], once="action_id")
    return record


def _said(decision: Decision) -> dict[str, Any]:
    return {
        "policy": decision.policy["slug"],
        "version": decision.policy["version"],
        "effect": decision.effect,
        "rule": ruling(decision)[:200],
        "route": decision.route.name if decision.route else "",
        "refused": list(decision.refused_fields),
        "spoke": [[rule, outcome] for rule, outcome in dict.fromkeys(spoken(decision))],
    }


def _shadowed(shadow: Decision | None, digest: str) -> dict[str, Any]:
    if shadow is None:
        return {}
    return {
        "shadow_digest": digest,
        "shadow_effect": shadow.effect,
        "shadow_rule": ruling(shadow)[:200],
        "shadow_reason": shadow.reason[:500],
    }


def record_outcome(*, action_id: str, outcome: str, waited_s: int | None = None) -> DecisionRecord | None:
    """Say what became of a decided action; `waited_s` is how long people took, where they were asked.

    None for an action that was decided before history was kept. Raises ValueError for what is no outcome.
    """
    if outcome not in Outcome.values or outcome == Outcome.OPEN:
        raise ValueError(f"{outcome} is not an outcome.")
    columns: dict[str, Any] = {"outcome": outcome, "finished_at": DatabaseNow()}
    if waited_s is not None:
        columns["waited_s"] = waited_s
    return next(iter(changed(DecisionRecord, {"action_id": action_id}, columns)), None)


def record_wait(*, action_id: str, waited_s: int) -> None:
    """Say how long people took to decide an action that goes on."""
    DecisionRecord.objects.filter(action_id=action_id).update(waited_s=max(waited_s, 0))


def request_of(record: DecisionRecord) -> Request:
    """Exactly the request the engine was given, without usage. Raises ValueError for a text that is none."""
    return decoded(record.request_text, {})
