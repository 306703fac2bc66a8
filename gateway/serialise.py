"""How actions, traces and approvals look to the agent that owns them. No credential, no other principal's data (B-04)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.clock import database_now
from accounts.questions import Question
from actions.models import Action, Bulk, Plan
from actions.resume import refusal
from actions.rollback import recorded_inverse
from actions.states import SUCCESS, State
from actions.summary import title_for_agent
from approvals.models import ApprovalRequest
from policies.engine.types import Decision
from traces.canonical import instant
from traces.export import listing
from traces.models import Trace

ASKED = (
    "Nothing was executed. A reviewer asked for changes: read approval.question. Answer with another call that names this"
    " action in `answers`, or withdraw it."
)


def absolute(path: str) -> str:
    """A console link."""
    return f"{settings.REMIT_BASE_URL}{path}"


def trace_url(trace_id: str) -> str:
    return absolute(reverse("traces:detail", args=[trace_id]))


def action_out(action: Action) -> dict[str, Any]:
    """One action: state, decision, what was refused or edited, result."""
    request = _REQUEST.first(action.pk)
    return _action(action, request)


_REQUEST = Question(lambda action_id: ApprovalRequest.objects.filter(action_id=action_id))


def actions_out(actions: Sequence[Action]) -> list[dict[str, Any]]:
    """Several, with what people were asked about them read at once."""
    found = ApprovalRequest.objects.filter(action_id__in=[action.pk for action in actions])
    requests = {request.action_id: request for request in found.prefetch_related("verdicts", "timers")}
    return [_action(action, requests.get(action.pk)) for action in actions]


def _action(action: Action, request: ApprovalRequest | None) -> dict[str, Any]:
    return {
        "action_id": action.pk,
        "trace_id": action.trace_id,
        "trace_url": trace_url(action.trace_id),
        "step": action.step,
        "tool": action.tool_name,
        "state": action.state,
        "executed": action.state in SUCCESS,
        "witnessed": _witnessed(action),
        "read_back": _read_back(action),
        "yours": _yours(action),
        "decision": decision_out(action.decision),
        "refused_fields": list(action.decision.get("refused_fields", ())),
        "edited_fields": {name: {"yours": pair[0], "sent": pair[1]} for name, pair in action.edits.items()},
        "approval": approval_out(request) if request else None,
        "result": action.result,
        "detail": action.detail or _doing(action, request),
        "doubt": _doubt(action),
    }


def _witnessed(action: Action) -> bool | None:
    """Whether Remit itself executed and saw it; false for an agent's own report, null where nothing was executed."""
    if action.state not in SUCCESS:
        return None
    definition = action.definition
    return definition is None or not definition.by_agent


def _read_back(action: Action) -> bool | None:
    """Whether the effect was looked at by a second read; null where Remit changed nothing itself."""
    definition = action.definition if action.state in SUCCESS else None
    if definition is None or definition.by_agent or definition.reads_only:
        return None
    result = action.result or {}
    # Results of earlier releases say only whether all was as sent.
    return bool(result.get("read_back", result.get("verified", False)))


def _yours(action: Action) -> dict[str, Any] | None:
    """What the agent has to do itself now: exactly these arguments, and where and by when to report; None otherwise."""
    if not action.is_the_agents:
        return None
    return {
        "arguments": action.arguments,
        "report_to": absolute(reverse("api-1:report_result", args=[action.pk])),
        "report_by": action.lease_until.isoformat() if action.lease_until else None,
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


def _doing(action: Action, request: ApprovalRequest | None) -> str:
    if request is not None and request.is_with_agent:
        return f"{ASKED} It is denied at {request.expires_at:%H:%M} UTC if you do neither."
    if action.state == State.PENDING:
        return "Nothing was executed. A person decides; ask again with ?wait=25, and do not send the call again."
    if action.is_the_agents:
        return "Do it now with the arguments under yours, then report how it ended. Nothing else may be done."
    return ""


def export_out(trace: Trace) -> dict[str, Any]:
    """An agent's own export: what it was told of each of its actions, beside the ledger's outline of the trace."""
    trace.refresh_from_db(fields=["head_seq", "head_hash"])
    actions = list(Action.objects.filter(trace=trace).order_by("step", "id"))
    return {
        "schema": "remit.agent-trace/1", "trace": trace.pk, "exported_at": instant(database_now()),
        "head": {"seq": trace.head_seq, "hash": trace.head_hash}, "entries": listing(trace.pk, trace.head_seq),
        "actions": actions_out(actions),
    }  # fmt: skip


def decision_out(decision: Any) -> dict[str, Any]:
    """The decision an agent can use: what was refused, why, and the remedy; not the rules it may not see."""
    data = decision.to_json() if isinstance(decision, Decision) else decision
    told = [check for check in data.get("checks", ()) if check["outcome"] != "passed"]
    if any(check["outcome"] == "denied" and ".scopes." in check["rule"] for check in told):
        # What another rule says of a record out of scope would tell something of that record.
        told = [check for check in told if not check["rule"].startswith("invariants.")]
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
        "question": question_out(request),
    }


def question_out(request: ApprovalRequest) -> dict[str, Any] | None:
    """What a reviewer asked the agent to change; null where nobody did. `answered_by` is the action that answered it."""
    if request.returned_at is None:
        return None
    asked = request.question
    return {
        "text": asked.text,
        "asked_at": asked.at.isoformat(),
        "answer": asked.answer or None,
        "answered_by": asked.answered_by or None,
        "waits_for_you": request.is_with_agent,
    }


def plan_out(plan: Plan) -> dict[str, Any]:
    """A plan with its steps as they stand."""
    actions = list(Action.objects.filter(plan=plan).select_related("tool__connection").order_by("step"))
    return {
        "plan_id": plan.pk,
        "trace_id": plan.trace_id,
        "url": absolute(reverse("actions:plan", args=[plan.pk])),
        "stopped": _stopped(plan, actions),
        "resumes": plan.resumes_id,
        "resumed_as": plan.resumed_as.pk if hasattr(plan, "resumed_as") else None,
        "bulks": [_bulk(bulk, plan, actions) for bulk in plan.bulks.all()],
        "steps": actions_out(actions),
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
    actions = list(Action.objects.select_related("tool__connection").filter(trace=trace).order_by("step"))
    return {
        "trace_id": trace.pk,
        "url": trace_url(trace.pk),
        "title": title_for_agent(trace),
        "outcome": trace.outcome,
        "actions": actions_out(actions),
    }
