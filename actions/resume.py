"""Tries a stopped plan again from the step that stopped: new actions, decided and approved as things stand now (F-07)."""

from collections.abc import Callable
from itertools import groupby

from django.db import transaction

from accounts.access import has_permission
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Permission
from actions.arguments import BadArguments
from actions.erasure import GONE
from actions.mandate import reach
from actions.models import Action, Plan
from actions.plans import Step, prepare_all, record_plan, stop_if_broken
from actions.propose import nothing
from actions.rollback import undone_step
from actions.services import run_ready
from actions.states import FINAL, IN_DOUBT, SUCCESS
from actions.steps import TraceFull
from traces.ledger import append
from traces.models import Trace
from traces.services import opening


class ResumeRefused(Exception):
    """Nothing was tried again; the message says why."""


def refusal(plan: Plan) -> str:
    """Why this plan can't be resumed, as a sentence; "" when it can.

    INVARIANT: only what is proven to have had no effect is tried again: NOT_RUN, FAILED, or attested as such by two people.
    Held by tests/actions/test_resume.py.
    """
    actions = list(Action.objects.filter(plan=plan).select_related("replanned_as").order_by("step"))
    if plan.stopped_at_step is None:
        return "This plan has not stopped."
    if hasattr(plan, "resumed_as"):
        return "It was resumed already. The plan that followed it can be."
    undone = undone_step(plan)
    if undone is not None:
        return f"Step {undone.step} was rolled back, or is about to be, so what builds on it is not tried again."
    for action in actions:
        if action.state in IN_DOUBT:
            return f"Whether step {action.step} took effect is not known yet, so nothing of this plan is tried again."
        if action.state not in FINAL:
            return f"Step {action.step} has not come to rest yet."
        if action.erased_at is not None and action.state not in SUCCESS:
            return f"Step {action.step}: {GONE}"
        if hasattr(action, "replanned_as"):
            return f"Step {action.step} was asked for again already, as step {action.replanned_as.step}."
    return ""


def may_resume(user: User, plan: Plan) -> bool:
    """Whether this person may ask for it: an operator, or whoever the plan is for."""
    trace = plan.trace
    return user.pk == trace.asker.pk or has_permission(user, Permission.TRACE_ROLLBACK, trace.workspace)


def refusal_for(user: User, plan: Plan) -> str:
    """Why this person can't resume it, as a sentence; "" when they can."""
    if not may_resume(user, plan):
        return f"{plan.trace.asker.name}, for whom it is, or an operator can resume it."
    return refusal(plan)


def resume(*, actor: Actor, plan: Plan, remember: Callable[[str], None] = nothing) -> Plan:
    """A plan of the steps that did not succeed, as the agent proposed them, each linked to the attempt before it.

    Everything is new: the records are read again, policy decides again, people approve again where policy asks them, and
    nothing of an old approval or edit counts. Raises ResumeRefused. Callers check who may ask for it.
    """
    problem = refusal(plan)
    if problem:
        raise ResumeRefused(problem)
    agent = plan.trace.agent
    assert agent is not None  # Plans belong to traces of agents.
    steps = _unfinished(plan)
    try:
        prepared = prepare_all(agent, steps, reach(actor, plan.trace.asker, plan.trace.workspace_id))
    except BadArguments as error:
        raise ResumeRefused(f"A tool takes other arguments now. {error}") from error
    with transaction.atomic():
        # The trace's lock first, as everywhere: asking for one of its steps again takes it too.
        Trace.objects.select_for_update(of=("self",)).get(pk=plan.trace_id)
        locked = Plan.objects.select_related("trace").get(pk=plan.pk)
        problem = refusal(locked)
        if problem:
            raise ResumeRefused(problem)
        try:
            made = record_plan(
                actor=actor, agent=agent, trace=locked.trace, steps=steps, prepared=prepared,
                sources=opening(locked.trace)["sources"], resumes=locked,
            )  # fmt: skip
        except TraceFull as error:
            raise ResumeRefused(str(error)) from error
        body = {"plan": plan.pk, "step": plan.stopped_at_step, "again": made.pk, "steps": len(steps)}
        append(actor=actor, trace_id=plan.trace_id, type="plan.resumed", body=body)
        remember(made.pk)
    stop_if_broken(actor=actor, plan_id=made.pk)
    run_ready(actor=actor, plan=made)
    return made


def _unfinished(plan: Plan) -> list[Step]:
    """The steps that did not succeed; what is left of a bulk step is a bulk step again, with a canary of its own."""
    found = Action.objects.filter(plan=plan).exclude(state__in=SUCCESS).order_by("step")
    steps: list[Step] = []
    for bulk, actions in groupby(found, key=lambda action: action.bulk_id):
        together = tuple(actions)
        if bulk is None:
            steps += [Step(one.title, one.tool_name, one.proposed, again=(one,)) for one in together]
        else:
            items = tuple(one.proposed for one in together)
            steps.append(Step(together[0].title, together[0].tool_name, items=items, again=together))
    return steps
