"""Taking an action back before it runs: by the agent that proposed it, or by the person it is for. Zero effects (4.1)."""

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from actions.machine import StateConflict, move
from actions.models import Action
from actions.record import safe
from actions.services import apply_verdict, go_on
from actions.states import State
from approvals.models import ApprovalRequest
from approvals.questions import withdraw_request
from policies.limits import release

WAITING = (State.PENDING, State.AUTHORIZED)
LONGEST = 400


class WithdrawRefused(Exception):
    """Nothing was withdrawn; the message says why."""


def refusal(action: Action) -> str:
    """Why an action can't be taken back any more, as a sentence; "" when it can."""
    if action.state in WAITING:
        return ""
    return f"This action is {action.state.replace('_', ' ')}, so it can’t be withdrawn."


def refusal_for(user: User, action: Action) -> str:
    """Why this person can't take it back; "" when they can: only whoever it is for, or who acts in their own name."""
    if user.pk not in {action.requester_id, action.acting_user_id}:
        return f"{action.requester.name}, for whom it is, or the agent can withdraw it."
    return refusal(action)


def withdraw(*, actor: Actor, action: Action, reason: str) -> Action:
    """End an action that waits for people, or was let through and has not started. Callers check who may.

    The steps after it in its plan do not run either (F-07). Raises WithdrawRefused; then nothing was changed.
    """
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).filter(action_id=action.pk).first()
        locked = Action.objects.select_for_update(of=("self",)).get(pk=action.pk)
        problem = refusal(locked)
        if problem:
            raise WithdrawRefused(problem)
        if locked.state == State.AUTHORIZED:
            _cancel(actor, locked, reason)
        elif request is None or not request.is_open:
            raise WithdrawRefused("It was decided at this moment. Look again.")
        else:
            withdraw_request(actor=actor, request=request, reason=safe(locked, reason))
    if request is not None and locked.state == State.PENDING:
        apply_verdict(request_id=request.pk)
    locked.refresh_from_db()
    return locked


def _cancel(actor: Actor, action: Action, reason: str) -> None:
    """One that was let through already. A worker that claimed it first wins."""
    because = f": {safe(action, reason.strip())[:LONGEST]}" if reason.strip() else "."
    detail = f"Withdrawn by {actor.name}{because}"[:500]
    try:
        move(
            actor=actor, action=action, to=State.CANCELLED, entry="action.cancelled", body={"detail": detail},
            detail=detail, finished_at=database_now(),
        )  # fmt: skip
    except StateConflict as error:
        raise WithdrawRefused("It started at this moment, so it can’t be withdrawn.") from error
    release(action_id=action.pk)
    transaction.on_commit(lambda: go_on(actor=actor, action_id=action.pk))
