"""Verbs on actions that every surface calls: propose, plan, evaluate, apply a verdict, advance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.models import Agent
from actions import switches
from actions.decide import judge
from actions.doorbell import ring
from actions.execution import AtOnce, end_left_over, reconcile, record_report, run
from actions.machine import StateConflict, move
from actions.mandate import reach
from actions.models import Action, Plan
from actions.plans import Step, stop_if_broken, submit_plan
from actions.propose import Place, Prepared, new_action, nothing, prepare, record_proposal
from actions.reading import whole
from actions.rollback import go_on_undoing
from actions.states import State
from actions.switches import why_held
from actions.turns import is_its_turn, next_to_run
from approvals.models import ApprovalRequest
from approvals.questions import NothingAsked, answer_question, asked_about, note_denied_answer
from policies.engine.types import Decision
from policies.limits import hold_again, release
from traces.ledger import append
from traces.models import Trace

VERDICTS = {
    ApprovalRequest.State.APPROVED: (State.AUTHORIZED, "action.authorized"),
    ApprovalRequest.State.BREAK_GLASS: (State.AUTHORIZED, "action.authorized"),
    ApprovalRequest.State.REJECTED: (State.REJECTED, "action.rejected"),
    ApprovalRequest.State.EXPIRED: (State.EXPIRED, "action.expired"),
    ApprovalRequest.State.STALE: (State.STALE, "action.stale"),
    ApprovalRequest.State.WITHDRAWN: (State.WITHDRAWN, "action.cancelled"),
}


def call_tool(
    *,
    actor: Actor,
    agent: Agent,
    trace: Trace,
    tool: str,
    arguments: Mapping[str, Any],
    remember: Callable[[Action], None] = nothing,
    answers: Action | None = None,
) -> Action:
    """Govern one tool call and, where policy allows it at once, execute it here. Raises BadArguments or TraceFull.

    Anything that needs a person returns pending at once: nothing ever blocks on people. `answers` is an action of the same
    trace that a reviewer sent back: the new one takes its place. Raises NothingAsked where nobody did.
    """
    prepared = prepare(agent=agent, name=tool, arguments=arguments, effects=_effects(actor, trace))
    place = Place(trace, agent, trace.asker, sources=None, remember=remember, replan_of=answers)
    at_once = AtOnce(actor)
    action = (
        _answer(actor, place, prepared, answers)
        if answers
        else record_proposal(actor=actor, place=place, prepared=prepared, start=at_once.start)
    )
    stands = at_once.advanced(action)
    if stands.state != State.UNKNOWN:
        return stands
    reconcile(actor=actor, action_id=action.pk)
    return whole(action.pk)


def _answer(actor: Actor, place: Place, prepared: Prepared, asked: Action) -> Action:
    """A new proposal instead of one that was sent back; one transaction, so that both never stand beside each other.

    INVARIANT: an answer that policy denies leaves question, request and what it holds as they were. Held by
    tests/approvals/test_answers.py.
    """
    with transaction.atomic():
        request = asked_about(asked.pk)
        # What the first one held is free for the second: the same money is not counted twice.
        release(action_id=asked.pk)
        made = _in_its_place(actor, place, prepared)
        if made is None:
            return _denied_answer(actor, replace(place, replan_of=None), prepared, request)
        answer_question(actor=actor, request=request, answered_by=made.pk)
    apply_verdict(request_id=request.pk)
    return made


def _in_its_place(actor: Actor, place: Place, prepared: Prepared) -> Action | None:
    """The answer as a successor; None, and nothing recorded, where it would be denied."""
    with transaction.atomic():
        made = record_proposal(actor=actor, place=place, prepared=prepared)
        if made.state != State.DENIED:
            return made
        transaction.set_rollback(True)
    return None


def _denied_answer(actor: Actor, place: Place, prepared: Prepared, request: ApprovalRequest) -> Action:
    """The same proposal on record as a denial that succeeds nothing."""
    made = record_proposal(actor=actor, place=place, prepared=prepared)
    if made.state != State.DENIED:
        raise NothingAsked("What policy says changed at this moment. Send the answer again.")
    hold_again(action_id=request.action_id)
    note_denied_answer(actor=actor, request=request, denied=made.pk, reason=made.detail)
    until = f"{request.expires_at:%H:%M} UTC"
    made.detail = f"{made.detail[:380]} The reviewer’s question still waits for another answer, until {until}."
    made.save(update_fields=["detail"])
    return made


def run_or_find_out(*, actor: Actor, action_id: str) -> State:
    """Run an action; one that is in doubt and whose time has come is found out about, or handed to a person."""
    state = run(actor=actor, action_id=action_id)
    return reconcile(actor=actor, action_id=action_id) if state is State.UNKNOWN else state


def report_result(
    *,
    actor: Actor,
    action: Action,
    outcome: str,
    result: Mapping[str, Any],
    detail: str,
    remember: Callable[[str], None] = nothing,
) -> Action:
    """Take an agent's report of what it did itself, marked as reported, not witnessed; then go on. Raises ReportRefused."""
    record_report(actor=actor, action=action, outcome=outcome, result=result, detail=detail, remember=remember)
    run_and_advance(actor=actor, action_id=action.pk)
    action.refresh_from_db()
    return action


def evaluate(*, actor: Actor, agent: Agent, trace: Trace, tool: str, arguments: Mapping[str, Any]) -> Decision:
    """What policy would decide now. Consumes nothing, records no action, runs nothing; the question is in the ledger.

    Raises BadArguments.
    """
    prepared = prepare(agent=agent, name=tool, arguments=arguments, effects=_effects(actor, trace))
    with transaction.atomic():
        decision = _would_decide(actor, agent, trace, prepared)
        body = {
            "tool": tool[:120],
            "effect": decision.effect,
            "policy": dict(decision.policy),
            "read": prepared.before is not None,
        }
        append(actor=actor, trace_id=trace.pk, type="policy.evaluated", body=body)
    return decision


def _effects(actor: Actor, trace: Trace) -> frozenset[str]:
    return reach(actor, trace.asker, trace.workspace_id)


def _would_decide(actor: Actor, agent: Agent, trace: Trace, prepared: Prepared) -> Decision:
    """The decision on an action that is taken back at once, with the locks and rows it needed."""
    with transaction.atomic():
        action = new_action(actor, Place(trace, agent, trace.asker), prepared, database_now(), step=1)
        held = why_held(switches.Place.of(action))
        decision = judge(action, prepared.definition, problem=prepared.problem, held=held).decision
        transaction.set_rollback(True)
    return decision


def start_plan(
    *,
    actor: Actor,
    agent: Agent,
    trace: Trace,
    steps: Sequence[Step],
    sources: Sequence[Mapping[str, Any]],
    remember: Callable[[str], None] = nothing,
) -> Plan:
    """Record and decide a whole plan, then run the steps that may run before anybody is asked.

    Raises BadArguments or TraceFull.
    """
    plan = submit_plan(actor=actor, agent=agent, trace=trace, steps=steps, sources=sources, remember=remember)
    run_ready(actor=actor, plan=plan)
    return plan


def run_ready(*, actor: Actor, plan: Plan) -> None:
    """Run the steps of a new plan that nobody has to be asked about, in order, until one waits or stops it."""
    while (action := next_to_run(plan.pk)) is not None:
        if run_or_find_out(actor=actor, action_id=action.pk) == State.AUTHORIZED:
            break
        stop_if_broken(actor=actor, plan_id=plan.pk)


def run_and_advance(*, actor: Actor, action_id: str) -> State:
    """What the worker does for one ring: run the action or find out about it, end what it left, go on with its plan."""
    state = run_or_find_out(actor=actor, action_id=action_id)
    end_left_over(actor=actor, action_id=action_id)
    go_on(actor=actor, action_id=action_id)
    return state


def go_on(*, actor: Actor, action_id: str) -> None:
    """After an action came to rest: tell what it undoes and go on there, ring for the next step of its plan, or stop it."""
    action = Action.objects.select_related("rollback_of").get(pk=action_id)
    go_on_undoing(actor=actor, action=action)
    plan_id = action.plan_id
    if plan_id is not None:
        stop_if_broken(actor=actor, plan_id=plan_id)
        following = next_to_run(plan_id)
        if following is not None and following.pk != action_id:
            ring(following.pk)


def apply_verdict(*, request_id: str) -> None:
    """Carry a settled approval over to its action, then ring the worker. Safe to run twice."""
    request = ApprovalRequest.objects.get(pk=request_id)
    action = Action.objects.get(pk=request.action_id)
    if request.is_open or action.state != State.PENDING:
        return
    actor = system_actor("approvals", action.workspace_id)
    to, entry = VERDICTS[ApprovalRequest.State(request.state)]
    try:
        _carry(actor, action, request, to, entry)
    except StateConflict:
        return
    if to is not State.AUTHORIZED:
        go_on(actor=actor, action_id=action.pk)
    if to is State.AUTHORIZED and is_its_turn(action):
        ring(action.pk)


def _carry(actor: Actor, action: Action, request: ApprovalRequest, to: State, entry: str) -> None:
    ended = to is not State.AUTHORIZED
    last = request.verdicts.filter(void=False).last()
    detail = _detail(request, last.reason if last else "") if ended else ""
    with transaction.atomic():
        columns: dict[str, Any] = {"detail": detail[:500], "finished_at": database_now()} if ended else {}
        move(actor=actor, action=action, to=to, entry=entry, body={"approval": request.pk, "detail": detail}, **columns)
        if ended:
            release(action_id=action.pk)


def _detail(request: ApprovalRequest, reason: str) -> str:
    if request.state == ApprovalRequest.State.EXPIRED and request.returned_at:
        return f"The agent did not answer the reviewer's question by {request.expires_at:%H:%M} UTC, so it was denied."
    if request.state == ApprovalRequest.State.EXPIRED:
        return f"Nobody decided by {request.expires_at:%H:%M} UTC, so it was denied."
    if request.state == ApprovalRequest.State.STALE:
        return "The tool's definition changed while this waited for people, so it can't be approved any more."
    return request.withdrawn_why or reason or f"The request was {request.state}."
