"""Turns one requested tool call into an Action row with a decision. Reads the target first; changes nothing outside."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import telemetry
from accounts.actors import Actor
from accounts.clock import DatabaseNow
from accounts.models import Agent, User
from accounts.questions import Question
from accounts.writes import add, change
from actions import binding, switches
from actions.arguments import check_arguments
from actions.ask import ask_people
from actions.changes import proposed_changes
from actions.decide import judge, live, may_read_target, redactions, requested, unlisted
from actions.definition import Definition
from actions.execution import PreviewFailed, read_target
from actions.history import note_decision
from actions.machine import move
from actions.models import Action, Bulk, Plan, Tool
from actions.record import MOST_SAID, known_secrets, proposed_body, safe, told
from actions.redaction import mask, mask_inside, mask_words
from actions.spans import deciding, note_action
from actions.states import State
from actions.steps import next_step
from actions.switches import why_held
from policies.breakers import counts_allowed
from policies.engine.types import Decision
from policies.limits import reserve
from traces.canonical import plain
from traces.ledger import Held, append, held_trace
from traces.models import Trace
from traces.services import opening

TARGETS = {"allow": State.AUTHORIZED, "deny": State.DENIED, "approval": State.PENDING, "draft": State.PENDING}

ASKS_PEOPLE = frozenset(effect for effect, state in TARGETS.items() if state is State.PENDING)


def nothing(_: object) -> None:
    """For callers that need not remember what was recorded."""


def nothing_at_once(_: Action, __: Held) -> None:
    """For callers that let an action start once it is recorded."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that was parsed and checked, and whose target was read, before anything is recorded."""

    name: str
    tool: Tool | None
    arguments: Mapping[str, Any]
    before: dict[str, Any] | None = None
    problem: str = ""
    redact: Mapping[str, str] = field(default_factory=dict)

    @property
    def definition(self) -> Definition | None:
        return self.tool.read(self.redact) if self.tool else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a trace the call stands, and in whose name it is made."""

    trace: Trace
    agent: Agent
    requester: User
    # None: the next one of its trace, counted once the trace is held.
    step: int | None = None
    title: str = ""
    plan: Plan | None = None
    acting_user: User | None = None
    rollback_of: Action | None = None
    replan_of: Action | None = None
    bulk: Bulk | None = None
    # What people are shown beside it; None for what its trace was opened with, which is read where people are asked.
    sources: tuple[Mapping[str, Any], ...] | None = ()
    # Called with the action, once it is decided, inside the recording transaction.
    remember: Callable[[Action], None] = field(default=nothing)


_TOOL = Question(
    lambda workspace_id, name: (
        Tool.objects.select_related("connection")
        .filter(workspace_id=workspace_id, name=name)
        .annotate(asked_at=DatabaseNow())
    )
)


def prepare(
    *, agent: Agent, name: str, arguments: Mapping[str, Any], effects: frozenset[str], by_person: bool = False
) -> Prepared:
    """Find the tool, check the arguments and read the target record. Raises BadArguments.

    An unknown tool, a tool this role may not use, one beyond `effects` (what token and person let it have) and a target that
    cannot be read are not errors here: such a call is denied, and the denial is in the ledger (P1, P5). `by_person` is for what
    somebody does in their own name, which a pause of the agent does not hold.
    """
    tool = _TOOL.first(agent.workspace_id, name)
    if tool is None:
        return Prepared(name, None, arguments)
    definition = Definition(tool.definition)
    check_arguments(definition, arguments)
    document = live(agent)
    redact = redactions(document, definition)
    # No pause keeps from looking where there is nothing to look at; the call itself is held when it is recorded.
    place = switches.Place(agent.workspace_id, "" if by_person else agent.pk, name, tool.connection_id)
    held = why_held(place) if definition.has_target else ""
    may_read = may_read_target(document, agent.role, definition, tool.asked_at)
    if held or definition.effect_class not in effects or not may_read:
        return Prepared(name, tool, arguments, redact=redact)
    try:
        before = read_target(tool, arguments, reference=agent.pk)
    except PreviewFailed as error:
        problem = mask_inside(str(error), known_secrets(tool.read(redact), arguments))[:MOST_SAID]
        return Prepared(name, tool, arguments, problem=problem, redact=redact)
    return Prepared(name, tool, arguments, before=before, redact=redact)


def record_proposal(
    *, actor: Actor, place: Place, prepared: Prepared, start: Callable[[Action, Held], None] = nothing_at_once
) -> Action:
    """Write the action, decide it, reserve its limits and ask people where policy says so; one transaction. Raises TraceFull.

    `start` is called last in it where the call is authorized at once, and no breaker may stop it for having been decided: those
    count what is committed.
    """
    with deciding(prepared.name if prepared.tool else ""), transaction.atomic():
        # The trace's lock before the row and before the limits' locks, as everywhere: no two can wait for each other.
        chain = held_trace(place.trace.pk)
        step = place.step if place.step is not None else next_step(place.trace.pk)
        action = new_action(actor, place, prepared, chain.at, step=step)
        held = why_held(switches.Place.of(action))
        judged = judge(action, prepared.definition, problem=prepared.problem, held=held)
        decision = judged.decision
        if _out_of_scope(decision):
            _forget_record(action)
        body = proposed_body(action, prepared.definition)
        append(actor=actor, trace_id=action.trace_id, type="action.proposed", body=body, held=chain)
        note_decision(action, prepared.definition, judged)
        _record_decision(actor, action, prepared.definition, decision, chain)
        if action.state == State.PENDING:
            sources = opening(place.trace)["sources"] if place.sources is None else place.sources
            ask_people(actor=actor, action=action, decision=decision, sources=sources)
        place.remember(action)
        note_action(action)
        if action.state == State.AUTHORIZED and not (judged.document and counts_allowed(judged.document)):
            start(action, chain)
    return action


def _out_of_scope(decision: Decision) -> bool:
    return any(check.outcome == "denied" and ".scopes." in check.rule for check in decision.checks)


def _forget_record(action: Action) -> None:
    """A record the role may not touch is not told either: its name and values stay out of trace and diff."""
    action.before = None
    change(Action, {"id": action.pk}, {"before": None})


def new_action(actor: Actor, place: Place, prepared: Prepared, at: datetime, *, step: int) -> Action:
    """The row of a call, in PROPOSED, before anything is decided. A person who asks again for an agent asks under its token."""
    under = place.replan_of if place.replan_of is not None and actor.kind != "agent" else actor
    text = binding.arguments_text(dict(prepared.arguments))
    action = Action(
        workspace_id=place.trace.workspace_id,
        trace=place.trace,
        plan=place.plan,
        bulk=place.bulk,
        step=step,
        title=place.title or (prepared.definition.title if prepared.definition else prepared.name),
        agent=place.agent,
        requester=place.requester,
        scopes=under.scopes,
        person_token=under.person_token,
        acting_user=place.acting_user,
        rollback_of=place.rollback_of,
        replan_of=place.replan_of,
        tool_name=prepared.name,
        tool=prepared.tool,
        tool_digest=prepared.tool.digest if prepared.tool else "",
        redact=dict(prepared.redact),
        proposed_text=text,
        arguments_text=text,
        before=prepared.before,
        nonce=secrets.token_hex(16),
        traceparent=telemetry.here(),
        created_at=at,
    )
    add([action])
    return action


def _record_decision(
    actor: Actor, action: Action, definition: Definition | None, decision: Decision, chain: Held
) -> None:
    """Reserve what the decision holds and move out of PROPOSED: deny, wait for people, or authorize."""
    columns = decision_columns(action, definition, decision)
    policy = str(decision.policy["slug"])
    reserve(workspace_id=action.workspace_id, policy=policy, action_id=action.pk, holds=decision.holds)
    body = decided_body(action, definition)
    to = TARGETS[decision.effect]
    if to is State.DENIED:
        # Said again where its plan stops, and of an answer that was denied.
        columns["detail"] = safe(action, decision.reason)[:500]
    move(actor=actor, action=action, to=to, entry="action.decided", body=body, chain=chain, **columns)


def decision_columns(action: Action, definition: Definition | None, decision: Decision) -> dict[str, Any]:
    """The columns a decision sets, also set on the given instance so that bodies and digests see them."""
    action.decision, action.mode = plain(decision.to_json()), decision.mode or ""
    if definition is not None:
        asked = requested(action, definition)
        kept = definition.without(asked, frozenset(decision.refused_fields))
        record = (action.before or {}).get("fields")
        action.arguments_text = binding.arguments_text(kept)
        hidden = (
            unlisted(live(action.agent), action.agent.role, definition, record) if definition.removes and record else {}
        )
        action.changes = proposed_changes(definition, asked, record, decision.refused_fields, hidden)
    action.digest = binding.bind(action)
    names = ("decision", "mode", "arguments_text", "changes", "digest")
    return {name: getattr(action, name) for name in names}


def decided_body(action: Action, definition: Definition | None) -> dict[str, Any]:
    """The ledger body of a decision, without sensitive values."""
    known = known_secrets(definition, action.proposed, action.arguments, (action.before or {}).get("fields", {}))
    shown = {"changes": mask(action.changes, known), "arguments": mask(action.arguments, known)}
    words = told(action, definition, action.arguments)
    return {"decision": mask_words(action.decision, known), **shown, "words": words, "digest": action.digest}
