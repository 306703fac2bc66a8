"""Asking for changes: a reviewer sends a request back to its agent with a question, and the agent answers or withdraws.

The clock goes on: the request stays due when it was due, and is denied then. While it is with the agent nobody decides it,
nobody is reminded and it escalates to nobody; an emergency may still break glass. An answer is a request of its own, with a
route and a clock of its own, so nothing that was approved of the first one counts for it (P4). One that policy denies
answers nothing: the question goes on waiting.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User, Workspace
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest, Question
from approvals.refusals import NotEntitled, ReasonNeeded
from approvals.services import refuse_changed, refuse_settled, settle
from traces.ledger import append

MOST = 2000


class NothingAsked(Exception):
    """There is no question on this request that waits for an answer."""


@dataclass(frozen=True, slots=True)
class SentBack:
    """Of the requests agents made since an instant: how many there were, and how many came back as unclear."""

    asked: int
    sent_back: int

    @property
    def share(self) -> float:
        """Per cent; 0 where nothing was asked."""
        return round(100 * self.sent_back / self.asked, 1) if self.asked else 0.0


def why_not_back(user: User, request: ApprovalRequest) -> str:
    """Why this person cannot send a request back; "" where they can."""
    if request.agent_id is None:
        return "A person asked for this, not an agent. Reject it with a reason instead."
    may = eligibility(user, request)
    return "" if may.may_decide else may.reason


def ask_for_changes(*, actor: Actor, user: User, request_id: str, text: str, digest: str) -> ApprovalRequest:
    """Send a request back with a question, by somebody who could decide it now, about what they were shown.

    Raises AlreadyDecided, NotEntitled, DigestChanged or ReasonNeeded; then nothing was changed.
    """
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        now = database_now()
        refuse_settled(request, now)
        # INVARIANT: whoever is signed in asks, whatever a request says. Held by tests/approvals/test_questions.py.
        why = (
            "A question is asked by the person who is signed in." if (actor.kind, actor.id) != ("user", user.pk) else ""
        )
        why = why or why_not_back(user, request)
        if why:
            raise NotEntitled(why)
        refuse_changed(request, digest)
        if not text.strip():
            raise ReasonNeeded("Write what should change. The agent reads it.")
        _send_back(actor, user, request, text.strip()[:MOST], now)
    return request


def _send_back(actor: Actor, user: User, request: ApprovalRequest, text: str, now: datetime) -> None:
    step = eligibility(user, request).steps[0]
    Question.objects.create(request=request, user=user, step=step.number, text=text, digest=request.digest, at=now)
    request.returned_at, request.next_timer_at = now, None
    request.save(update_fields=["returned_at", "next_timer_at"])
    body = {
        "approval": request.pk,
        "action": request.action_id,
        "step": step.number,
        "step_name": step.name,
        "text": text,
        "saw": request.digest,
        "waited_ms": int((now - request.created_at).total_seconds() * 1000),
    }
    append(actor=actor, trace_id=request.trace_id, type="approval.changes_asked", body=body)


def asked_about(action_id: str) -> ApprovalRequest:
    """The request of an action that waits for its agent's answer, locked. Raises NothingAsked."""
    rows = ApprovalRequest.objects.select_for_update(of=("self",))
    request = rows.filter(action_id=action_id).first()
    if request is None or not request.is_with_agent or database_now() >= request.expires_at:
        raise NothingAsked("No question about this action waits for an answer.")
    return request


def answer_question(*, actor: Actor, request: ApprovalRequest, answered_by: str) -> None:
    """The agent's new action answers the question, and takes the place of the request. Inside its transaction, locked."""
    now = database_now()
    note_answer(request, Question.Answer.REVISED, now, answered_by=answered_by)
    body = {"approval": request.pk, "action": request.action_id, "again": answered_by}
    append(actor=actor, trace_id=request.trace_id, type="approval.changes_answered", body=body)
    request.withdrawn_why = "Answered with a new proposal."
    request.save(update_fields=["withdrawn_why"])
    settle(actor=actor, request=request, state=ApprovalRequest.State.WITHDRAWN, now=now)


def note_denied_answer(*, actor: Actor, request: ApprovalRequest, denied: str, reason: str) -> None:
    """Policy denied the agent's answer, so the question still waits for another. Inside the answer's transaction, locked."""
    Question.objects.filter(request=request).update(denied_at=database_now())
    body = {"approval": request.pk, "action": request.action_id, "denied": denied, "reason": reason}
    append(actor=actor, trace_id=request.trace_id, type="approval.answer_denied", body=body)


def note_answer(request: ApprovalRequest, answer: str, now: datetime, *, answered_by: str = "") -> None:
    """What came of the question on a request, if there is one."""
    Question.objects.filter(request=request, answer="").update(answer=answer, answered_by=answered_by, answered_at=now)


def withdraw_request(*, actor: Actor, request: ApprovalRequest, reason: str) -> None:
    """Whoever asked takes an open request back. Inside a transaction that holds its row lock; callers check who may."""
    now = database_now()
    note_answer(request, Question.Answer.WITHDRAWN, now)
    because = f": {reason.strip()[:400]}" if reason.strip() else "."
    request.withdrawn_why = f"Withdrawn by {actor.name}{because}"
    request.save(update_fields=["withdrawn_why"])
    settle(actor=actor, request=request, state=ApprovalRequest.State.WITHDRAWN, now=now)


def sent_back(workspace: Workspace, start: datetime, *, agent_id: str = "") -> SentBack:
    """The share of requests that a reviewer could not decide as they stood, of all agents or of one."""
    asked = ApprovalRequest.objects.filter(workspace=workspace, created_at__gte=start, agent__isnull=False)
    asked = asked.filter(agent=agent_id) if agent_id else asked
    return SentBack(asked.count(), asked.filter(returned_at__isnull=False).count())
