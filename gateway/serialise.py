"""How actions, traces and approvals look to the agent that owns them. No credential, no other principal's data (B-04)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from actions.models import Action, Bulk, Plan
from actions.resume import refusal
from actions.rollback import recorded_inverse
from actions.states import SUCCESS, State
from approvals.models import ApprovalRequest
from policies.engine.types import Decision
from traces.export import outline
from traces.models import Trace


def absolute(path: str) -> str:
    """A console link."""
    return f"{settings.REMIT_BASE_URL}{path}"


def trace_url(trace_id: str) -> str:
    return absolute(reverse("traces:detail", args=[trace_id]))


def action_out(action: Action) -> dict[str, Any]:
    """One action: state, decision, what was refused or edited, result."""
    request = ApprovalRequest.objects.filter(action_id=action.pk).first()
    return {
        "action_id": action.pk,
        "trace_id": action.trace_id,
        "trace_url": trace_url(action.trace_id),
        "step": action.step,
        "tool": action.tool_name,
        "state": action.state,
        "executed": action.state in SUCCESS,
        "decision": decision_out(action.decision),
        "refused_fields": list(action.decision.get("refused_fields", ())),
        "edited_fields": {name: {"yours": pair[0], "sent": pair[1]} for name, pair in action.edits.items()},
        "approval": approval_out(request) if request else None,
        "result": action.result,
        "detail": action.detail or _doing(action),
        "doubt": _doubt(action),
    }


def _doubt(action: Action) -> dict[str, Any] | None:
    """What is done about an outcome that is not known, and by when (F-06); None where it is known."""
    if not action.in_doubt:
        return None
    person = action.state == State.NEEDS_HUMAN
    doing = "Two people look in the system and say what happened." if person else "Remit is finding out."
    return {
        "since": action.unknown_at.isoformat() if action.unknown_at else None,
        "tries": action.reconcile_tries,
        "next_try_at": action.reconcile_at.isoformat() if action.reconcile_at and not person else None,
        "doing": f"{doing} It may have taken effect, so do not send the call again.",
    }


def _doing(action: Action) -> str:
    if action.state == State.PENDING:
        return "Nothing was executed. A person decides; ask again with ?wait=25, and do not send the call again."
    return ""


def export_out(trace: Trace) -> dict[str, Any]:
    """An agent's own export: what it was told of each of its actions, under the hashes of the ledger's entries."""
    actions = Action.objects.filter(trace=trace).order_by("step", "id")
    told = {"schema": "remit.agent-trace/1", "actions": [action_out(action) for action in actions]}
    return {**outline(trace), **told}


def decision_out(decision: Any) -> dict[str, Any]:
    """The decision an agent can use: what was refused, why, and the remedy; not the rules it may not see."""
    data = decision.to_json() if isinstance(decision, Decision) else decision
    told = [check for check in data.get("checks", ()) if check["outcome"] != "passed"]
    kept = ("name", "outcome", "rule", "reason", "remedy", "field")
    return {
        "effect": data.get("effect", ""),
        "reason": data.get("reason", ""),
        "policy": {key: (data.get("policy") or {}).get(key) for key in ("slug", "version")},
        "checks": [{key: check[key] for key in kept} for check in told],
        "nearest": data.get("nearest"),
    }


def approval_out(request: ApprovalRequest) -> dict[str, Any]:
    """Where an approval stands."""
    return {
        "approval_id": request.pk,
        "url": absolute(reverse("approvals:review", args=[request.pk])),
        "kind": request.kind,
        "state": request.state,
        "step": request.step,
        "steps": [step.name for step in request.steps],
        "expires_at": request.expires_at.isoformat(),
    }


def plan_out(plan: Plan) -> dict[str, Any]:
    """A plan with its steps as they stand."""
    actions = list(Action.objects.filter(plan=plan).order_by("step"))
    return {
        "plan_id": plan.pk,
        "trace_id": plan.trace_id,
        "url": absolute(reverse("actions:plan", args=[plan.pk])),
        "stopped": _stopped(plan, actions),
        "resumes": plan.resumes_id,
        "resumed_as": plan.resumed_as.pk if hasattr(plan, "resumed_as") else None,
        "bulks": [_bulk(bulk, plan, actions) for bulk in plan.bulks.all()],
        "steps": [action_out(action) for action in actions],
    }


def _bulk(bulk: Bulk, plan: Plan, actions: Sequence[Action]) -> dict[str, Any]:
    done = sum(action.state in SUCCESS for action in actions if action.bulk_id == bulk.pk)
    waits = bulk.continued_at is None and plan.stopped_at_step is None and bulk.canary <= done < bulk.size
    return {
        "bulk_id": bulk.pk,
        "title": bulk.title,
        "first_step": bulk.first_step,
        "size": bulk.size,
        "canary": bulk.canary,
        "done": done,
        "waits_for_a_person": waits,
    }


def _stopped(plan: Plan, actions: Sequence[Action]) -> dict[str, Any] | None:
    """Where it stopped, what was done until then (F-07), and whether the rest may be tried again; None while it runs."""
    if plan.stopped_at_step is None:
        return None
    why_not = refusal(plan)
    return {
        "step": plan.stopped_at_step,
        "done": [action.step for action in actions if action.state in SUCCESS],
        "undo": [_undo(action) for action in reversed(actions) if action.inverse],
        "can_resume": not why_not,
        "why_not": why_not,
    }


def _undo(action: Action) -> dict[str, Any]:
    """How a completed step could be undone, the newest first; proposed to whoever reads it, never done by itself (F-07)."""
    inverse = recorded_inverse(action)
    return {
        "step": action.step,
        "how": inverse["how"],
        "fields": [row["field"] for row in inverse.get("rows", ())],
        "tool": inverse.get("tool"),
        "why": inverse.get("why", ""),
    }


def trace_out(trace: Trace) -> dict[str, Any]:
    """A trace with its actions."""
    actions = Action.objects.filter(trace=trace).order_by("step")
    return {
        "trace_id": trace.pk,
        "url": trace_url(trace.pk),
        "title": trace.title,
        "outcome": trace.outcome,
        "actions": [action_out(action) for action in actions],
    }
