"""Plans: submitted, checked and shown as a whole; run in order; stopped at the first step that does not succeed (F-07)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Agent
from actions.arguments import ArgumentProblem, BadArguments
from actions.decide import lock_limits
from actions.machine import StateConflict, move
from actions.models import Action, Plan
from actions.propose import Place, Prepared, nothing, prepare, record_proposal
from actions.states import STOPS_PLAN, SUCCESS, State
from approvals.models import ApprovalRequest
from approvals.services import close_request
from policies.limits import release
from traces.ledger import append
from traces.models import Trace


@dataclass(frozen=True, slots=True)
class Step:
    """One step as submitted. `again` is the action of a stopped plan that it tries again."""

    title: str
    tool: str
    arguments: Mapping[str, Any]
    again: Action | None = None


def submit_plan(
    *,
    actor: Actor,
    agent: Agent,
    trace: Trace,
    steps: Sequence[Step],
    sources: Sequence[Mapping[str, Any]],
    remember: Callable[[str], None] = nothing,
) -> Plan:
    """Record a plan and decide every step of it; nothing runs here. Raises BadArguments naming the step.

    When a step is denied, no step runs: a plan known to fail is not started.
    """
    prepared = prepare_all(agent, steps)
    with transaction.atomic():
        plan = record_plan(
            actor=actor, agent=agent, trace=trace, steps=steps, prepared=prepared, sources=sources, resumes=None
        )
        remember(plan.pk)
    stop_if_broken(actor=actor, plan_id=plan.pk)
    return plan


def prepare_all(agent: Agent, steps: Sequence[Step]) -> list[Prepared]:
    """Check every step's arguments and read its target. Raises BadArguments naming each step that does not fit."""
    ready, problems = [], []
    for number, step in enumerate(steps):
        try:
            ready.append(prepare(agent=agent, name=step.tool, arguments=step.arguments))
        except BadArguments as error:
            problems += [ArgumentProblem(f"/steps/{number}/arguments{p.pointer}", p.message) for p in error.problems]
    if problems:
        raise BadArguments(tuple(problems))
    return ready


def record_plan(
    *,
    actor: Actor,
    agent: Agent,
    trace: Trace,
    steps: Sequence[Step],
    prepared: Sequence[Prepared],
    sources: Sequence[Mapping[str, Any]],
    resumes: Plan | None,
) -> Plan:
    """Write the plan and the decision on each of its steps. Runs inside the caller's transaction."""
    plan = Plan.objects.create(trace=trace, submitted_at=database_now(), resumes=resumes)
    first = Action.objects.filter(trace=trace).count() + 1
    listed = [{"step": n, "title": step.title, "tool": step.tool} for n, step in enumerate(steps, start=first)]
    body = {"plan": plan.pk, "steps": listed, "resumes": resumes.pk if resumes else None}
    append(actor=actor, trace_id=trace.pk, type="plan.submitted", body=body)
    calls = [(ready.definition, ready.arguments) for ready in prepared if ready.definition is not None]
    lock_limits(agent=agent, requester=trace.asker, calls=calls)
    for number, (step, ready) in enumerate(zip(steps, prepared, strict=True), start=first):
        place = Place(trace, agent, trace.asker, number, step.title, plan, sources=tuple(sources), replan_of=step.again)
        record_proposal(actor=actor, place=place, prepared=ready)
    return plan


def stop_if_broken(*, actor: Actor, plan_id: str) -> None:
    """If a step ended without success: cancel what has not run and say so, with what is done already. Idempotent.

    A step that a person rejected takes only the steps after it along: whoever approved those before it meant them.
    """
    actions = list(Action.objects.filter(plan_id=plan_id).order_by("step"))
    broken = next((action for action in actions if action.state in STOPS_PLAN), None)
    if broken is None:
        return
    _tell_stop(actor, broken, done=[action for action in actions if action.state in SUCCESS])
    for action in actions:
        if action.step > broken.step or broken.state != State.REJECTED:
            _cancel(actor, action, because=f"Step {broken.step} was {broken.state.replace('_', ' ')}.")


def _tell_stop(actor: Actor, broken: Action, *, done: Sequence[Action]) -> None:
    """Once for the step that stopped the plan; once more when an earlier one does, after a later one was rejected."""
    earlier = Q(stopped_at_step=None) | Q(stopped_at_step__gt=broken.step)
    body = {
        "plan": broken.plan_id,
        "step": broken.step,
        "state": broken.state,
        "detail": broken.detail,
        "done": [{"step": action.step, "action": action.pk} for action in done],
    }
    with transaction.atomic():
        if Plan.objects.filter(earlier, pk=broken.plan_id).update(stopped_at_step=broken.step):
            append(actor=actor, trace_id=broken.trace_id, type="plan.stopped", body=body)


def _cancel(actor: Actor, action: Action, *, because: str) -> None:
    """Cancel one step that has not started. A step that another process just claimed goes its own way."""
    to = {State.AUTHORIZED: State.CANCELLED, State.PENDING: State.WITHDRAWN}.get(State(action.state))
    if to is None:
        return
    try:
        with transaction.atomic():
            detail = f"Not run. {because}"
            move(actor=actor, action=action, to=to, entry="action.cancelled", body={"detail": detail},
                 detail=detail, finished_at=database_now())  # fmt: skip
            release(action_id=action.pk)
    except StateConflict:
        return
    close_request(actor=actor, action_id=action.pk, state=ApprovalRequest.State.WITHDRAWN)
