"""Plans: submitted, checked and shown as a whole; run in order; stopped at the first step that does not succeed (F-07)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Agent
from actions.arguments import MOST_PROBLEMS, ArgumentProblem, BadArguments
from actions.bulk import default_canary
from actions.decide import lock_limits
from actions.machine import StateConflict, move
from actions.mandate import reach
from actions.models import Action, Bulk, Plan
from actions.propose import Place, Prepared, nothing, prepare, record_proposal
from actions.record import known_secrets
from actions.redaction import mask_inside
from actions.states import SUCCESS, State
from actions.steps import next_step
from actions.summary import summarised_once
from actions.turns import broken_step, is_stopped_by
from actions.words import ended
from approvals.models import ApprovalRequest
from approvals.services import close_request
from policies.limits import release
from traces.ledger import append
from traces.models import Trace


@dataclass(frozen=True, slots=True)
class Step:
    """One step as submitted: a call, or with `items` the same call for many records, of which `canary` run first.

    `again` are the actions of a stopped plan that it tries again, one for each of its calls.
    """

    title: str
    tool: str
    arguments: Mapping[str, Any] | None = None
    items: tuple[Mapping[str, Any], ...] = ()
    canary: int | None = None
    again: tuple[Action, ...] = ()

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The arguments of each call it makes."""
        return list(self.items) if self.arguments is None else [self.arguments]


def submit_plan(
    *,
    actor: Actor,
    agent: Agent,
    trace: Trace,
    steps: Sequence[Step],
    sources: Sequence[Mapping[str, Any]],
    remember: Callable[[str], None] = nothing,
) -> Plan:
    """Record a plan and decide every step of it; nothing runs here. Raises BadArguments naming the step, or TraceFull.

    When a step is denied, no step runs: a plan known to fail is not started.
    """
    prepared = prepare_all(agent, steps, reach(actor, trace.asker, trace.workspace_id))
    with transaction.atomic():
        plan = record_plan(
            actor=actor, agent=agent, trace=trace, steps=steps, prepared=prepared, sources=sources, resumes=None
        )
        remember(plan.pk)
    stop_if_broken(actor=actor, plan_id=plan.pk)
    return plan


def prepare_all(agent: Agent, steps: Sequence[Step], effects: frozenset[str]) -> list[list[Prepared]]:
    """Check every call's arguments and read its target, step by step. Raises BadArguments naming each that does not fit."""
    _refuse_sizes(steps)
    ready: list[list[Prepared]] = []
    problems: list[ArgumentProblem] = []
    for number, step in enumerate(steps):
        ready.append([])
        for place, arguments in enumerate(step.calls):
            where = f"/steps/{number}/" + ("arguments" if step.arguments is not None else f"items/{place}")
            try:
                ready[-1].append(prepare(agent=agent, name=step.tool, arguments=arguments, effects=effects))
            except BadArguments as error:
                problems += [ArgumentProblem(f"{where}{p.pointer}", p.message) for p in error.problems]
    if problems:
        raise BadArguments(tuple(problems[:MOST_PROBLEMS]))
    return ready


def _refuse_sizes(steps: Sequence[Step]) -> None:
    """Raises BadArguments for more records than one plan may change, and for a canary that would leave nobody to look."""
    problems, most = [], settings.REMIT_BULK_MAX
    total = sum(len(step.items) for step in steps)
    for number, step in enumerate(steps):
        where = f"/steps/{number}"
        if (step.arguments is None) != bool(step.items):
            problems.append(ArgumentProblem(where, "Send either arguments or items, with at least one item."))
        if step.canary is not None and not step.items:
            problems.append(ArgumentProblem(f"{where}/canary", "Only a step with items has a canary."))
        if step.items and total > most:
            sentence = f"The plan has {total} items and may have {most}. Split it, or ask for a higher cap."
            problems.append(ArgumentProblem(f"{where}/items", sentence))
        if step.items and step.canary is not None and not 1 <= step.canary <= default_canary(len(step.items)):
            sentence = f"At most {default_canary(len(step.items))} of {len(step.items)} run before a person looks."
            problems.append(ArgumentProblem(f"{where}/canary", sentence))
    if problems:
        raise BadArguments(tuple(problems))


def record_plan(
    *,
    actor: Actor,
    agent: Agent,
    trace: Trace,
    steps: Sequence[Step],
    prepared: Sequence[Sequence[Prepared]],
    sources: Sequence[Mapping[str, Any]],
    resumes: Plan | None,
) -> Plan:
    """Write the plan and the decision on each of its calls. Runs inside the caller's transaction. Raises TraceFull."""
    # Before the plan's row: its key shares the trace's row, and two that share it could not both go on to lock it.
    Trace.objects.select_for_update(of=("self",)).get(pk=trace.pk)
    plan = Plan.objects.create(trace=trace, submitted_at=database_now(), resumes=resumes)
    first = next_step(trace.pk, more=sum(map(len, prepared)))
    bulks = _bulks(plan, steps, first)
    titled = [(step, bulk, again, ready) for step, bulk, calls in zip(steps, bulks, prepared, strict=True)
              for again, ready in zip(step.again or (None,) * len(calls), calls, strict=True)]  # fmt: skip
    titles = [told for step, calls in zip(steps, prepared, strict=True) for told in [_title(step, calls)] * len(calls)]
    listed = [
        {"step": n, "title": titles[n - first], "tool": step.tool} for n, (step, *_) in enumerate(titled, start=first)
    ]
    body = {
        "plan": plan.pk,
        "steps": listed,
        "resumes": resumes.pk if resumes else None,
        "bulks": [
            {
                "bulk": bulk.pk,
                "title": titles[bulk.first_step - first],
                "step": bulk.first_step,
                "size": bulk.size,
                "canary": bulk.canary,
            }
            for bulk in bulks
            if bulk is not None
        ],
    }
    append(actor=actor, trace_id=trace.pk, type="plan.submitted", body=body)
    calls = [(ready.definition, ready.arguments) for *_, ready in titled if ready.definition is not None]
    lock_limits(agent=agent, requester=trace.asker, calls=calls)
    with summarised_once(trace.pk):
        for number, (step, bulk, again, ready) in enumerate(titled, start=first):
            place = Place(
                trace, agent, trace.asker, number, step.title, plan, sources=tuple(sources), replan_of=again, bulk=bulk
            )
            record_proposal(actor=actor, place=place, prepared=ready)
    return plan


def _title(step: Step, calls: Sequence[Prepared]) -> str:
    """A step's title for the ledger: an agent's words, which may repeat what is sensitive in any of its calls (R-33)."""
    told = step.title
    for one in calls:
        told = mask_inside(told, known_secrets(one.definition, one.arguments, (one.before or {}).get("fields", {})))
    return told


def _bulks(plan: Plan, steps: Sequence[Step], first: int) -> list[Bulk | None]:
    """A row for each step with items, None for the others."""
    found: list[Bulk | None] = []
    for step in steps:
        size = len(step.items)
        canary = step.canary or default_canary(size)
        made = (
            Bulk.objects.create(plan=plan, title=step.title, first_step=first, size=size, canary=canary)
            if size
            else None
        )
        found.append(made)
        first += len(step.calls)
    return found


def stop_if_broken(*, actor: Actor, plan_id: str) -> None:
    """If a step ended without success: cancel what has not run and say so, with what is done already. Idempotent.

    A step that a person rejected takes only the steps after it along: whoever approved those before it meant them.
    """
    broken = broken_step(plan_id)
    if broken is None:
        return
    actions = list(Action.objects.filter(plan_id=plan_id).order_by("step"))
    _tell_stop(actor, broken, done=[action for action in actions if action.state in SUCCESS])
    for action in actions:
        if is_stopped_by(action, broken):
            _cancel(actor, action, because=ended(broken.step, broken.state))


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
