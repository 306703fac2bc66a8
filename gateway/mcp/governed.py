"""An agent's toolbox: the tools its policy grants, governed by the same services as REST, and Remit's own."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mcp_types.jsonrpc import INVALID_PARAMS

from accounts.access import NotThisPerson, NotVisible, person_for
from accounts.actors import Caller
from accounts.clock import database_now
from accounts.models import User
from actions.access import get_action_for_agent
from actions.again import call_or_join, mark_handed_over
from actions.arguments import BadArguments
from actions.mandate import scope_lacking
from actions.models import Action
from actions.spans import note_action
from actions.states import FINAL, SUCCESS, State
from actions.steps import TraceFull
from actions.tools import tool_for_agent, tools_for_agent, tools_for_caller
from actions.withdraw import WithdrawRefused, withdraw
from approvals.access import get_request_for_agent, is_with_agent
from approvals.models import ApprovalRequest
from gateway.mcp import answers, own_tools, replies, sealed_state
from gateway.mcp.toolbox import Hold, OutOfScope, Result, unknown_task
from gateway.mcp.wire import Fault, Message
from gateway.serialise import approval_out
from traces.access import PersonNotProven, get_trace_for_agent, require_proven
from traces.canonical import digest_of
from traces.models import Trace
from traces.services import record_refused_request
from traces.windows import begin, trace_of_call

# What an agent may say beside a call, in `_meta`.
SAID = "remit/"
# How long a call waits for people who were just sent to the page, and for work that is on its way.
HOLD_S = 20.0
UNDER_WAY_S = 8.0
UNDER_WAY = frozenset({State.AUTHORIZED, State.CLAIMED, State.DISPATCHING})
POLL_MS = 2_000


class Governed:
    """The toolbox of one agent."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.agent, self.actor = caller, caller.agent, caller.actor

    def tools(self) -> list[dict[str, Any]]:
        """The granted tools that the token reaches, schemas narrowed by policy (B-06), then Remit's own."""
        return _listing(_executed_here(tools_for_caller(self.caller)))

    def granted(self, name: str) -> dict[str, Any] | None:
        """A granted tool whatever the token: one that it does not reach is denied with its reason, not unknown."""
        if name in own_tools.NAMES:
            return next(tool for tool in own_tools.LISTED if tool["name"] == name)
        tool = tool_for_agent(self.agent, name)
        return next((_listed(one) for one in _executed_here([tool] if tool else [])), None)

    def _granted(self) -> list[Mapping[str, Any]]:
        return _executed_here(tools_for_agent(self.agent))

    def refused(self, fault: Fault) -> None:
        """A refusal of an identified agent is proof too (negative proof)."""
        title = "An MCP request was refused"
        record_refused_request(actor=self.actor, agent=self.agent, title=title, detail=str(fault)[:1000], problems=[])

    def call(self, message: Message) -> Result | Hold:
        """Govern and execute one call; one that needs a person is answered as the request declares."""
        name, arguments = message.params["name"], message.params.get("arguments") or {}
        try:
            if name in own_tools.NAMES:
                return self._own(message, own_tools.checked(name, arguments))
            action = self._repeated(message) or self._asked(message, name, arguments)
        except BadArguments as error:
            return self._bad_arguments(error)
        except TraceFull as error:
            return self._full(error)
        return self._answer(message, action)

    def _asked(self, message: Message, name: str, arguments: Mapping[str, Any]) -> Action:
        named = self._named_trace(message)
        person = self._person(message, named)
        return call_or_join(
            actor=self.actor, agent=self.agent, person=person, tool=name, arguments=arguments, call_id=_call_id(message),
            trace=lambda: named or self._standing_trace(message, person),
        )  # fmt: skip

    def _person(self, message: Message, named: Trace | None = None) -> User:
        """Whom the call is for: the token's person, else the named trace's, else whom the agent says, else its owner.

        Raises Fault.
        """
        said = _said(message, "on_behalf_of")
        if not said and self.caller.person is None:
            return named.asker if named else self.agent.owner
        try:
            person = person_for(self.caller, said)
        except NotThisPerson as error:
            raise Fault(INVALID_PARAMS, str(error)) from error
        if named is not None and named.asker != person:
            raise Fault(INVALID_PARAMS, "The trace is another person's. Leave on_behalf_of out, or open a trace.")
        return person

    def _named_trace(self, message: Message) -> Trace | None:
        """The trace the agent names. Raises Fault for one that is not its own."""
        named = _said(message, "trace_id")
        if not named:
            return None
        try:
            trace = get_trace_for_agent(self.agent, named, person=self.caller.person)
            require_proven(self.caller, trace)
        except NotVisible as error:
            raise Fault(INVALID_PARAMS, f"This agent has no trace {named[:60]}. Open one with trace_open.") from error
        except PersonNotProven as error:
            raise Fault(INVALID_PARAMS, str(error)) from error
        return trace

    def _standing_trace(self, message: Message, person: User) -> Trace:
        """The agent's trace for this person and intent (decision 0010)."""
        intent = _said(message, "intent")
        return trace_of_call(actor=self.actor, agent=self.agent, person=person, intent=intent)

    def _bad_arguments(self, error: BadArguments) -> Result:
        """Told as a tool's answer, so that the model reads what to mend."""
        problems = [{"pointer": problem.pointer, "message": problem.message} for problem in error.problems]
        title, detail = "The arguments do not fit the tool", str(error)[:1000]
        record_refused_request(actor=self.actor, agent=self.agent, title=title, detail=detail, problems=problems)
        message = f"{title}: {detail} Nothing was executed."
        facts = {"decision": "refused", "message": message, "trace_id": None, "problems": problems}
        return answers.result(facts, is_error=True)

    def _full(self, error: TraceFull) -> Result:
        """Told as a tool's answer too: the model opens another trace with trace_open."""
        title = "The trace takes no more actions"
        record_refused_request(actor=self.actor, agent=self.agent, title=title, detail=str(error), problems=[])
        return own_tools.refused(str(error), error.trace_id)

    # --- The three shapes of "a person decides" --------------------------------------------------------------------

    def _answer(self, message: Message, action: Action) -> Result | Hold:
        """To an action that was asked for just now, or taken up; what stands already was handed over with that."""
        if action.state == State.PENDING:
            return self._pending(message, action)
        if action.state in UNDER_WAY:
            return Hold(UNDER_WAY_S, lambda over: self._later(message, action, over=over))
        return self._told(action)

    def _told(self, action: Action) -> Result:
        note_action(action)
        told, scope = answers.of_action(action), scope_lacking(action)
        return OutOfScope(told, scope) if scope else told

    def _handed(self, action: Action) -> Result:
        """Tell what became of an action after it was asked for."""
        mark_handed_over(action)
        return self._told(action)

    def _later(self, message: Message, action: Action, *, over: bool) -> Result | Hold:
        action.refresh_from_db()
        if action.state in UNDER_WAY and not over:
            return Hold(0, lambda over: self._later(message, action, over=over))
        return self._pending(message, action) if action.state == State.PENDING else self._handed(action)

    def _pending(self, message: Message, action: Action) -> Result | Hold:
        """A task, a page to open, or plainly pending: what the request declares decides, never the client's name."""
        request = ApprovalRequest.objects.get(action_id=action.pk)
        note_action(action)
        if request.is_with_agent:
            return answers.of_action(action)  # It waits for the caller, not for a person.
        if message.takes_tasks:
            return {"resultType": "task", **_task(request, action)}
        if message.era != "modern" or not message.opens_urls or _turned_down(message):
            return answers.of_action(action)
        if message.params.get("requestState") is None:
            return self._page(message, request, action)
        return Hold(HOLD_S, lambda over: self._until_decided(message, request, action, over=over))

    def _page(self, message: Message, request: ApprovalRequest, action: Action) -> Result:
        asked = answers.ask_elsewhere(action, request, approval_out(request)["url"])
        state = sealed_state.seal(agent_id=self.agent.pk, call=_call_digest(message), action_id=action.pk)
        return {"resultType": "input_required", "inputRequests": {"approval": asked}, "requestState": state}

    def _until_decided(
        self, message: Message, request: ApprovalRequest, action: Action, *, over: bool
    ) -> Result | Hold:
        action.refresh_from_db()
        if action.state not in UNDER_WAY | {State.PENDING} or is_with_agent(action.pk):
            return self._handed(action)
        if not over:
            return Hold(0, lambda over: self._until_decided(message, request, action, over=over))
        return self._page(message, request, action) if action.state == State.PENDING else self._handed(action)

    def _repeated(self, message: Message) -> Action | None:
        """The action a sealed state is about. Raises Fault for a state that is not of this agent and call."""
        state = message.params.get("requestState")
        if message.era != "modern" or state is None:
            return None
        try:
            found = sealed_state.unseal(state, agent_id=self.agent.pk, call=_call_digest(message))
            action = get_action_for_agent(self.agent, found, person=self.caller.person)
        except (sealed_state.BadState, NotVisible) as error:
            raise Fault(INVALID_PARAMS, str(error)) from error
        mark_handed_over(action)
        return action

    # --- Tasks: the approval is the task ---------------------------------------------------------------------------

    def get_task(self, task_id: str) -> Result:
        """Working until the action has come to rest; then its result, refusals included."""
        request, action = self._of_task(task_id)
        task = _task(request, action)
        if task["status"] == "completed":
            return {**task, "result": {"resultType": "complete", **self._handed(action)}}
        return task

    def update_task(self, task_id: str, answers: Mapping[str, Any]) -> None:
        """A task asks its client for nothing, so that a client's answer decides nothing."""
        self._of_task(task_id)

    def cancel_task(self, task_id: str) -> None:
        """Take the request back where nothing has begun."""
        _, action = self._of_task(task_id)
        try:
            withdraw(actor=self.actor, action=action, reason="The agent cancelled its task.")
        except WithdrawRefused:
            return  # Cancelling is a wish: what has begun or ended goes its own way, and the next tasks/get says so.

    def _of_task(self, task_id: str) -> tuple[ApprovalRequest, Action]:
        try:
            request = get_request_for_agent(self.agent, task_id, person=self.caller.person)
            return request, get_action_for_agent(self.agent, request.action_id, person=self.caller.person)
        except NotVisible as error:
            raise unknown_task() from error

    # --- Remit's own tools -------------------------------------------------------------------------------------------

    def _own(self, message: Message, arguments: Mapping[str, Any]) -> Result | Hold:
        name = message.params["name"]
        if name == own_tools.OPEN:
            return self._open(message, arguments)
        try:
            _, action = self._of_task(arguments["approval_id"])
        except Fault:
            return own_tools.no_such_approval()
        if name == own_tools.WAIT:
            seconds = arguments.get("seconds", HOLD_S)
            return self._waited(action, over=seconds == 0, seconds=seconds)
        if name == own_tools.WITHDRAW:
            return replies.take_back(actor=self.actor, action=action, reason=arguments["reason"])
        return self._reply(message, action, arguments)

    def _reply(self, message: Message, asked: Action, arguments: Mapping[str, Any]) -> Result | Hold:
        granted = [tool["name"] for tool in self._granted()]
        try:
            require_proven(self.caller, asked.trace)
            made = replies.answer(
                actor=self.actor, agent=self.agent, asked=asked, arguments=arguments, granted=granted,
                call_id=_call_id(message),
            )  # fmt: skip
        except PersonNotProven as error:
            return own_tools.refused(str(error), asked.trace_id)
        except replies.NoReply as error:
            return error.told
        return self._answer(message, made)

    def _open(self, message: Message, arguments: Mapping[str, Any]) -> Result:
        """The intent is the model's to say; the person is not, so that it comes from the agent's program or its owner."""
        trace = begin(
            actor=self.actor, agent=self.agent, person=self._person(message), intent=arguments["intent"],
            sources=arguments.get("sources", []),
        )  # fmt: skip
        return own_tools.opened(trace)

    def _waited(self, action: Action, *, over: bool, seconds: float) -> Result | Hold:
        if action.state in UNDER_WAY | {State.PENDING} and not over and not is_with_agent(action.pk):
            return Hold(seconds, lambda over: self._waited(_fresh(action), over=over, seconds=seconds))
        return self._handed(action)


def _fresh(action: Action) -> Action:
    action.refresh_from_db()
    return action


def _executed_here(tools: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A caller of an MCP tool takes it for done; what the agent does itself has its door in REST."""
    return [tool for tool in tools if tool["executed_by"] == "remit"]


def _listing(tools: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_listed(tool) for tool in tools] + own_tools.LISTED


def _listed(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One tool as MCP lists it. The annotations are hints for clients; policy reads none of them (M-07)."""
    reads = tool["effect_class"] == "read"
    return {
        "name": tool["name"],
        "description": tool["description"],
        "inputSchema": tool["input_schema"],
        "outputSchema": answers.OUTPUT_SCHEMA,
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": not reads and tool["reversibility"] == "irreversible",
            "idempotentHint": reads,
            "openWorldHint": tool["effect_class"] == "side_effect",
        },
        "_meta": {f"{SAID}{name}": tool[name] for name in ("effect_class", "reversibility", "mode")},
    }


def _said(message: Message, name: str) -> str:
    found = message.meta.get(f"{SAID}{name}", "")
    if not isinstance(found, str) or len(found) > 4000:
        raise Fault(INVALID_PARAMS, f"_meta {SAID}{name} is not a text of at most 4,000 characters.")
    return found.strip()


def _call_id(message: Message) -> str:
    """The client's own id of this call, where it sends one: a help against replays, never a key by itself."""
    for name in (f"{SAID}call_id", "claudecode/toolUseId", "callId"):
        found = message.meta.get(name)
        if isinstance(found, str) and found:
            return found[:200]
    return ""


def _call_digest(message: Message) -> str:
    return digest_of({"tool": message.params["name"], "arguments": message.params.get("arguments") or {}})


def _turned_down(message: Message) -> bool:
    """Whether the client's own answer was not "accept". Accepting decides nothing either: only the page does."""
    found = (message.params.get("inputResponses") or {}).get("approval")
    return isinstance(found, Mapping) and found.get("action") in {"decline", "cancel"}


def _task(request: ApprovalRequest, action: Action) -> dict[str, Any]:
    """The task object of an approval."""
    return {
        "taskId": request.pk,
        "status": _status(action),
        "statusMessage": answers.facts_of(action)["message"],
        "createdAt": _iso(request.created_at),
        "lastUpdatedAt": _iso(action.finished_at or database_now()),
        "ttlMs": max(1, round((request.expires_at - request.created_at).total_seconds() * 1000)),
        "pollIntervalMs": POLL_MS,
    }


def _status(action: Action) -> str:
    if action.state in {State.WITHDRAWN, State.CANCELLED}:
        return "cancelled"
    return "completed" if action.state in FINAL | SUCCESS | {State.NEEDS_HUMAN} else "working"


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
