"""Puts a pending action before people: route, deadline, who may not decide, and exactly what they are shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from accounts.actors import Actor
from actions.binding import bound
from actions.definition import Definition
from actions.display import displayed
from actions.models import Action
from actions.words import cut, sentences
from approvals.services import NewRequest, expiry_after, request_approval
from policies.engine.types import Decision
from traces.canonical import plain

DRAFT_ROUTE = {"name": "draft", "steps": [{"name": "Review and send", "group": None, "quorum": 1}], "separation": []}
REQUESTER = "You asked for this, so someone else decides it."
OWNER = "You own this agent, so someone else decides it."


def ask_people(*, actor: Actor, action: Action, decision: Decision, sources: Sequence[Mapping[str, Any]]) -> None:
    """Open the approval request of a pending action. Runs inside the recording transaction."""
    draft = decision.effect == "draft"
    route: dict[str, Any] = DRAFT_ROUTE if draft else plain(decision.to_json()["route"])
    new = NewRequest(
        trace=action.trace,
        action_id=action.pk,
        kind="draft" if draft else "approval",
        title=title_of(action),
        requester=action.requester,
        agent=None if action.acting_user_id else action.agent,
        route=route,
        expires_at=expiry_after(_seconds(decision)),
        excluded={} if draft else excluded(action),
        involved=excluded(action),
        digest=action.digest,
        displayed=shown(action, sources),
        bound=bound(action),
    )
    request_approval(actor=actor, new=new)


def _seconds(decision: Decision) -> int:
    asked = decision.route.expires_in_s if decision.route else settings.REMIT_APPROVAL_TTL_S
    return min(asked, settings.REMIT_APPROVAL_TTL_S)


def title_of(action: Action) -> str:
    """The effect in the imperative, from the effective arguments."""
    return cut(sentences(_definition(action), action.arguments, (action.before or {}).get("fields"))["imperative"])


def shown(action: Action, sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a reviewer is shown of this action now."""
    return displayed(
        _definition(action),
        arguments=action.arguments,
        changes=action.changes,
        decision=action.decision,
        before=action.before,
        sources=sources,
        edits=action.edits,
        undoes=action.rollback_of_id is not None,
    )


def _definition(action: Action) -> Definition:
    definition = action.definition
    assert definition is not None  # A pending action has a tool: an unknown one is denied.
    return definition


def excluded(action: Action) -> dict[str, str]:
    """Who may not approve, with the sentence they read (R-24). A person acting for themself is the requester.

    INVARIANT: no route drops one of them, whatever its document says. Held by tests/approvals/test_separation.py.
    """
    requester = action.acting_user_id or action.requester_id
    return {action.agent.owner_id: OWNER, requester: REQUESTER, action.requester_id: REQUESTER}
