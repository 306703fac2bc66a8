"""The routes of /api/v1."""

import time
from typing import Annotated, Any

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query

from accounts.access import NotThisPerson, NotVisible, person_for
from accounts.actors import Caller
from accounts.models import User
from actions.access import get_action_for_agent, get_plan_for_agent
from actions.again import call_or_join, mark_handed_over
from actions.arguments import BadArguments
from actions.execution import ReportRefused
from actions.idempotency import remember_as
from actions.models import Action, Plan
from actions.plans import Step
from actions.resume import ResumeRefused, resume
from actions.services import evaluate, report_result, start_plan
from actions.spans import note_action
from actions.states import FINAL, State
from actions.steps import TraceFull
from actions.tools import tools_for_caller
from actions.withdraw import WithdrawRefused, withdraw
from approvals.access import get_request_for_agent, is_with_agent
from approvals.questions import NothingAsked
from gateway import room
from gateway.api import api
from gateway.auth import caller_of
from gateway.idempotency import once
from gateway.openapi import document_for
from gateway.problems import Problem, absent
from gateway.schemas import (
    ActionOut,
    CallIn,
    NamedCallIn,
    PlanIn,
    PlanOut,
    Problem9457,
    ReportIn,
    ResumeIn,
    ToolName,
    TraceIn,
    TraceOut,
    WithdrawIn,
)  # fmt: skip
from gateway.serialise import action_out, approval_out, decision_out, export_out, plan_out, trace_out
from traces.access import PersonNotProven, get_trace_for_agent, require_proven
from traces.models import Trace
from traces.services import open_trace, opening, record_refusal

POLL_S = 0.25
Wait = Annotated[int, Query(ge=0, le=25)]
RESTING = FINAL | {State.UNKNOWN, State.NEEDS_HUMAN}
ERRORS = {400: Problem9457, 401: Problem9457, 404: Problem9457, 409: Problem9457, 413: Problem9457, 422: Problem9457}


def _rest() -> None:
    """Between two looks: a waiting agent holds neither a database connection nor a place."""
    close_old_connections()
    with room.left():
        time.sleep(POLL_S)


def _trace(caller: Caller, trace_id: str) -> Trace:
    try:
        return get_trace_for_agent(caller.agent, trace_id, person=caller.person)
    except NotVisible as error:
        raise absent("trace") from error


def trace_at_work(caller: Caller, trace_id: str) -> Trace:
    """A trace that something is asked for in."""
    trace = _trace(caller, trace_id)
    try:
        require_proven(caller, trace)
    except PersonNotProven as error:
        title = "The trace is a person's by token"
        raise Problem(403, "person-not-proven", title, str(error), trace_id=trace.pk) from error
    return trace


def _refused(caller: Caller, trace: Trace, error: BadArguments) -> Problem:
    """A refusal of an identified agent is in the ledger too."""
    found = [{"pointer": problem.pointer, "message": problem.message} for problem in error.problems]
    title, detail = "The arguments do not fit the tool", str(error)[:1000]
    record_refusal(actor=caller.actor, trace_id=trace.pk, title=title, detail=detail, problems=found)
    problem = Problem(422, "bad-arguments", title, detail, problems=found, trace_id=trace.pk)
    problem.ledgered = True
    return problem


def _full(error: TraceFull) -> Problem:
    return Problem(409, "trace-full", "The trace takes no more actions", str(error), trace_id=error.trace_id)


@api.post("/traces", response={201: TraceOut, **ERRORS}, operation_id="open_trace", tags=["traces"])
def post_trace(request: HttpRequest, body: TraceIn) -> Any:
    """Open a trace: the intent, the person it is for, the sources used."""
    caller = caller_of(request)
    person = _person(caller, body.on_behalf_of or "")

    def work(key: int | None) -> tuple[int, dict[str, Any]]:
        trace = open_trace(
            actor=caller.actor,
            workspace_id=caller.agent.workspace_id,
            agent=caller.agent,
            on_behalf_of=person,
            intent=body.intent,
            sources=[source.model_dump(exclude_none=True) for source in body.sources],
            remember=remember_as(key),
        )
        return 201, trace_out(trace)

    return _once(request, caller, "traces", work, lambda pk: (201, trace_out(_trace(caller, pk))))


def _person(caller: Caller, name: str) -> User:
    try:
        return person_for(caller, name)
    except NotThisPerson as error:
        found = [{"pointer": "/on_behalf_of", "message": str(error)}]
        raise Problem(422, error.kind, "The person does not fit", str(error), problems=found) from error


def _once(request: HttpRequest, caller: Caller, route: str, work: Any, resume: Any) -> HttpResponse:
    """A key of one person's token is not another's."""
    key = request.headers.get("Idempotency-Key")
    place = f"{caller.person.pk}:{route}" if caller.person else route
    status, answer = once(caller.agent, route=place, key=key, raw=request.body, work=work, resume=resume)
    return api.create_response(request, answer, status=status)


@api.get("/traces/{trace_id}", response={200: TraceOut, **ERRORS}, operation_id="get_trace", tags=["traces"])
def get_trace(request: HttpRequest, trace_id: str) -> Any:
    """One trace of this agent with its actions."""
    return trace_out(_trace(caller_of(request), trace_id))


@api.post("/traces/{trace_id}/plan", response={200: PlanOut, **ERRORS}, operation_id="submit_plan", tags=["traces"])
def post_plan(request: HttpRequest, trace_id: str, body: PlanIn) -> Any:
    """Submit a whole plan: every step is checked before any runs; steps that need nobody run now, in order.

    Of a step with `items` only the first run (`canary`); then the plan waits for a person to let the rest run.
    """
    caller = caller_of(request)
    trace = trace_at_work(caller, trace_id)
    steps = [Step(step.title, step.tool, step.arguments, tuple(step.items), step.canary) for step in body.steps]

    def work(key: int | None) -> tuple[int, dict[str, Any]]:
        try:
            plan = start_plan(
                actor=caller.actor, agent=caller.agent, trace=trace, steps=steps,
                sources=opening(trace)["sources"], remember=remember_as(key),
            )  # fmt: skip
        except BadArguments as error:
            raise _refused(caller, trace, error) from error
        except TraceFull as error:
            raise _full(error) from error
        return 200, plan_out(plan)

    return _once(request, caller, f"traces/{trace_id}/plan", work, lambda pk: (200, plan_out(_plan(caller, pk))))


def _plan(caller: Caller, plan_id: str) -> Plan:
    try:
        return get_plan_for_agent(caller.agent, plan_id, person=caller.person)
    except NotVisible as error:
        raise absent("plan") from error


@api.get("/plans/{plan_id}", response={200: PlanOut, **ERRORS}, operation_id="get_plan", tags=["plans"])
def get_plan(request: HttpRequest, plan_id: str) -> Any:
    """One plan of this agent, with its steps as they stand."""
    return plan_out(_plan(caller_of(request), plan_id))


@api.post("/plans/{plan_id}/resume", response={200: PlanOut, **ERRORS}, operation_id="resume_plan", tags=["plans"])
def post_resume(request: HttpRequest, plan_id: str, body: ResumeIn | None = None) -> Any:
    """Try a stopped plan again from the step that stopped: a new plan, every step of it decided anew. 409 when it may not."""
    caller = caller_of(request)
    plan = _plan(caller, plan_id)
    trace_at_work(caller, plan.trace_id)

    def work(key: int | None) -> tuple[int, dict[str, Any]]:
        try:
            made = resume(actor=caller.actor, plan=plan, remember=remember_as(key))
        except ResumeRefused as error:
            raise Problem(
                409, "not-resumable", "The plan was not resumed", str(error), trace_id=plan.trace_id
            ) from error
        return 200, plan_out(made)

    return _once(request, caller, f"plans/{plan_id}/resume", work, lambda pk: (200, plan_out(_plan(caller, pk))))


@api.post(
    "/tool-calls", response={200: ActionOut, 202: ActionOut, **ERRORS}, operation_id="call_tool", tags=["tool calls"]
)
def post_call(request: HttpRequest, body: CallIn) -> Any:
    """Govern and execute one tool call. 202 means a person decides; nothing was executed yet.

    The same call again, while it waits or before its outcome was given to you, is the same call: it opens no second approval.
    """
    return _call(request, body.trace_id, body.tool, body.arguments, answers=body.answers)


@api.post("/tools/{tool}", response={200: ActionOut, 202: ActionOut, **ERRORS}, include_in_schema=False)
def post_named_call(request: HttpRequest, tool: ToolName, body: NamedCallIn) -> Any:
    """The same under the tool's own address, which the agent's OpenAPI document describes with the tool's own schema."""
    return _call(request, body.trace_id, tool, body.arguments)


def _call(
    request: HttpRequest, trace_id: str, tool: str, arguments: dict[str, Any], *, answers: str | None = None
) -> HttpResponse:
    caller = caller_of(request)
    trace = trace_at_work(caller, trace_id)
    asked = _asked(caller, trace, answers) if answers else None

    def work(key: int | None) -> tuple[int, dict[str, Any]]:
        try:
            action = call_or_join(
                actor=caller.actor, agent=caller.agent, person=trace.asker, tool=tool, arguments=arguments,
                call_id=request.headers.get("Idempotency-Key", ""), trace=lambda: trace, answers=asked,
                remember=remember_as(key),
            )  # fmt: skip
        except BadArguments as error:
            raise _refused(caller, trace, error) from error
        except TraceFull as error:
            raise _full(error) from error
        except NothingAsked as error:
            raise Problem(
                409, "nothing-asked", "There is no question to answer", str(error), trace_id=trace.pk
            ) from error
        note_action(action)
        return _status(action), _told(action)

    def resume(action_id: str) -> tuple[int, dict[str, Any]]:
        action = _action(caller, action_id)
        return _status(action), _told(action)

    return _once(request, caller, request.path.rsplit("/api/v1/", 1)[-1], work, resume)


def _asked(caller: Caller, trace: Trace, action_id: str) -> Action:
    """The action that a call answers: one of the same trace."""
    action = _action(caller, action_id)
    if action.trace_id != trace.pk:
        found = [{"pointer": "/answers", "message": "Name an action of the same trace."}]
        raise Problem(422, "bad-answer", "The call answers another trace", found[0]["message"], problems=found)
    return action


def _action(caller: Caller, action_id: str) -> Action:
    try:
        return get_action_for_agent(caller.agent, action_id, person=caller.person)
    except NotVisible as error:
        raise absent("action") from error


def _told(action: Action) -> dict[str, Any]:
    """As its agent is told; with an outcome its ask is used up, and the same words are a new one."""
    mark_handed_over(action)
    return action_out(action)


def _status(action: Action) -> int:
    return 200 if _rests(action) else 202


def _rests(action: Action) -> bool:
    """Whether nothing more comes of it by itself: it ended, people find out about it, or it is the agent's to do."""
    return action.state in RESTING or action.is_the_agents


@api.post("/evaluate", response={200: dict[str, Any], **ERRORS}, operation_id="evaluate", tags=["tool calls"])
def post_evaluate(request: HttpRequest, body: CallIn) -> Any:
    """What policy would decide now. Nothing is recorded as an action, reserved or run."""
    caller = caller_of(request)
    trace = trace_at_work(caller, body.trace_id)
    try:
        decision = evaluate(
            actor=caller.actor, agent=caller.agent, trace=trace, tool=body.tool, arguments=body.arguments
        )
    except BadArguments as error:
        raise _refused(caller, trace, error) from error
    return {"trace_id": trace.pk, "decision": decision_out(decision), "refused_fields": list(decision.refused_fields)}


@api.get("/actions/{action_id}", response={200: ActionOut, **ERRORS}, operation_id="get_action", tags=["tool calls"])
def get_action(request: HttpRequest, action_id: str, wait: Wait = 0) -> Any:
    """One action; with `wait`, answered when it rests, when a reviewer asks for changes, or after that many seconds."""
    caller = caller_of(request)
    deadline = time.monotonic() + wait
    while True:
        action = _action(caller, action_id)
        if _rests(action) or is_with_agent(action_id) or time.monotonic() >= deadline:
            return _told(action)
        _rest()


@api.post(
    "/actions/{action_id}/withdraw",
    response={200: ActionOut, **ERRORS},
    operation_id="withdraw_action",
    tags=["tool calls"],
)
def post_withdraw(request: HttpRequest, action_id: str, body: WithdrawIn | None = None) -> Any:
    """Take back an action of this agent that has not started. The steps after it in its plan do not run. 409 when it may not."""
    caller = caller_of(request)
    found, reason = _action(caller, action_id), body.reason if body else ""

    def work(key: int | None) -> tuple[int, dict[str, Any]]:
        try:
            action = withdraw(actor=caller.actor, action=found, reason=reason)
            remember_as(key)(action.pk)
        except WithdrawRefused as error:
            detail = str(error)
            raise Problem(
                409, "not-withdrawable", "The action was not withdrawn", detail, trace_id=found.trace_id
            ) from error
        return 200, action_out(action)

    return _once(
        request, caller, f"actions/{action_id}/withdraw", work, lambda pk: (200, action_out(_action(caller, pk)))
    )


@api.get(
    "/approvals/{approval_id}",
    response={200: dict[str, Any], **ERRORS},
    operation_id="get_approval",
    tags=["approvals"],
)
def get_approval(request: HttpRequest, approval_id: str, wait: Wait = 0) -> Any:
    """Where an approval of this agent's action stands; with `wait`, answered when it is settled or sent back, or then."""
    caller = caller_of(request)
    deadline = time.monotonic() + wait
    while True:
        try:
            found = get_request_for_agent(caller.agent, approval_id, person=caller.person)
        except NotVisible as error:
            raise absent("approval") from error
        if not found.is_open or found.is_with_agent or time.monotonic() >= deadline:
            return approval_out(found)
        _rest()


@api.get(
    "/traces/{trace_id}/export", response={200: dict[str, Any], **ERRORS}, operation_id="export_trace", tags=["traces"]
)
def get_export(request: HttpRequest, trace_id: str) -> Any:
    """What this agent may keep of its trace: its calls as it was answered, and the hash of every ledger entry.

    The entries themselves hold what was withheld from it; people with the right export them from the trace's page.
    """
    return export_out(_trace(caller_of(request), trace_id))


@api.get("/openapi.json", include_in_schema=False, url_name="openapi-json")
def get_openapi(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1 of this surface for this agent: with its own tools, and no other's."""
    return JsonResponse(document_for(caller_of(request)))


@api.get("/tools", response={200: dict[str, Any], **ERRORS}, operation_id="list_tools", tags=["tool calls"])
def get_tools(request: HttpRequest) -> Any:
    """The tools this agent's role may use, with their schemas narrowed to the fields it may write."""
    return {"tools": tools_for_caller(caller_of(request))}


@api.post(
    "/actions/{action_id}/result", response={200: ActionOut, **ERRORS}, operation_id="report_result", tags=["tool calls"],
    url_name="report_result",
)  # fmt: skip
def post_result(request: HttpRequest, action_id: str, body: ReportIn) -> Any:
    """Report how something ended that was handed to this agent. It stands everywhere as reported, not witnessed."""
    caller = caller_of(request)
    action = _action(caller, action_id)

    def work(key: int | None) -> tuple[int, dict[str, Any]]:
        try:
            reported = report_result(
                actor=caller.actor, action=action, outcome=body.outcome, result=body.result,
                detail=body.detail, remember=remember_as(key),
            )  # fmt: skip
        except ReportRefused as error:
            raise Problem(
                409, "report-refused", "The report was not taken", str(error), trace_id=action.trace_id
            ) from error
        return 200, _told(reported)

    return _once(
        request, caller, f"actions/{action_id}/result", work, lambda pk: (200, action_out(_action(caller, pk)))
    )
