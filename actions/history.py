"""Keeps what was decided and what became of it where replay, breakers and the editor's numbers read it (policies.history).

It runs inside the transaction of the decision or the move, so that history and ledger never tell two stories.
"""

from dataclasses import replace

from accounts.clock import database_now
from actions.decide import Judged, live
from actions.definition import Definition
from actions.models import Action
from actions.record import told
from actions.states import FINAL, SUCCESS, State
from policies.breakers import observe, observe_decided
from policies.demotions import watch
from policies.engine.decide import decide
from policies.engine.types import Decision
from policies.history import Outcome, record_decision, record_outcome, record_wait
from policies.shadow import shadow_of
from policies.shadow_limits import hold_in_shadow, shadow_usage

_OUTCOMES = {
    **dict.fromkeys(FINAL, Outcome.NOT_RUN),
    **dict.fromkeys(SUCCESS, Outcome.SUCCEEDED),
    State.FAILED: Outcome.FAILED,
    State.FAILED_ATTESTED: Outcome.FAILED,
    State.REJECTED: Outcome.REJECTED,
    State.UNKNOWN: Outcome.UNKNOWN,
}


def note_decision(action: Action, definition: Definition | None, judged: Judged) -> None:
    """Keep a decision with exactly what the engine was given, and what a shadow version would have said."""
    shadow = _shadow(action, judged)
    record = record_decision(
        workspace_id=action.workspace_id,
        action_id=action.pk,
        trace_id=action.trace_id,
        agent_id=action.agent_id,
        title=told(action, definition, action.proposed)["imperative"],
        request=judged.request,
        decision=judged.decision,
        shadow=shadow[0] if shadow else None,
        shadow_digest=shadow[1] if shadow else "",
    )
    if judged.document is not None:
        observe_decided(workspace_id=action.workspace_id, document=judged.document, record=record)


def _shadow(action: Action, judged: Judged) -> tuple[Decision, str] | None:
    """A shadow decides nothing; where the live engine was not asked it is not asked either."""
    running = shadow_of(action.workspace_id, action.agent.policy) if judged.shadowed else None
    if running is None:
        return None
    document, version = running
    usage = shadow_usage(version, document, judged.request, action_id=action.pk)
    decision = decide(document, replace(judged.request, usage=usage))
    hold_in_shadow(version, action_id=action.pk, holds=decision.holds)
    return decision, version.digest


def note_move(action: Action, source: State, to: State) -> None:
    """Keep what became of an action, and how long people took where they were asked."""
    if source is to:
        return  # An edit, or a try to find out: nothing became of it yet.
    if source is State.PENDING and to is not State.PENDING:
        record_wait(action_id=action.pk, waited_s=int((database_now() - action.created_at).total_seconds()))
    outcome = _OUTCOMES.get(to)
    if outcome is not None:
        note_outcome(action, outcome)


def note_outcome(action: Action, outcome: Outcome) -> None:
    """Keep an outcome and let the breakers and demotions of the live policy count it."""
    record = record_outcome(action_id=action.pk, outcome=outcome)
    document = live(action.agent)
    if record is not None and document is not None:
        observe(workspace_id=action.workspace_id, document=document, record=record, event=outcome)
        watch(document=document, record=record, event=outcome)
