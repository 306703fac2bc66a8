"""Asks for a call again that drifted before it ran: a new action in the same trace, decided and approved as things stand now."""

from django.db import transaction

from accounts.access import has_permission
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Permission
from actions.arguments import BadArguments
from actions.erasure import GONE
from actions.mandate import reach
from actions.models import Action
from actions.propose import Place, prepare, record_proposal
from actions.services import run_or_find_out
from actions.states import State
from actions.steps import TraceFull, next_step
from traces.ledger import append
from traces.models import Trace
from traces.services import opening

DRIFTED = (State.BLOCKED, State.STALE)


class ReplanRefused(Exception):
    """Nothing was asked for; the message says why."""


def refusal(user: User, action: Action) -> str:
    """Why this person may not ask again, as a sentence; "" when they may."""
    if action.state not in DRIFTED or not (action.drift or action.state == State.STALE):
        return "This action is not out of date."
    if hasattr(action, "replanned_as"):
        return "It was asked for again already."
    if action.erased_at is not None:
        return GONE
    if action.rollback_of_id:
        return "A rollback starts from the trace it undoes, against the record as it stands then."
    if user.pk != action.requester_id and not has_permission(user, Permission.TRACE_ROLLBACK, action.workspace):
        return f"{action.requester.name}, for whom it was, or an operator can ask again."
    return ""


def replan(*, actor: Actor, user: User, action: Action) -> Action:
    """The same call again, for the same agent and person: read again, decided again, approved again where policy says so.

    Nothing of the old approval counts for it. Raises ReplanRefused.
    """
    try:
        effects = reach(actor, action.requester, action.workspace_id)
        prepared = prepare(agent=action.agent, name=action.tool_name, arguments=action.proposed, effects=effects)
    except BadArguments as error:
        raise ReplanRefused(f"The tool takes other arguments now. {error}") from error
    with transaction.atomic():
        # The trace's lock first, as everywhere: resuming the plan of this action takes it too.
        Trace.objects.select_for_update(of=("self",)).get(pk=action.trace_id)
        locked = Action.objects.select_related("workspace", "requester").get(pk=action.pk)
        problem = refusal(user, locked)
        if problem:
            raise ReplanRefused(problem)
        step = _next_step(action)
        sources = tuple(opening(action.trace)["sources"])
        place = Place(
            action.trace, action.agent, action.requester, step, action.title, sources=sources, replan_of=locked
        )
        made = record_proposal(actor=actor, place=place, prepared=prepared)
        body = {"action": action.pk, "step": action.step, "again": made.pk, "again_step": step}
        append(actor=actor, trace_id=action.trace_id, type="action.replanned", body=body)
    run_or_find_out(actor=actor, action_id=made.pk)
    made.refresh_from_db()
    return made


def _next_step(action: Action) -> int:
    """Raises ReplanRefused where the trace takes no more."""
    try:
        return next_step(action.trace_id)
    except TraceFull as error:
        raise ReplanRefused(str(error)) from error
