"""Verbs on approval requests. Each writes its ledger entry in the same transaction; the actor is never optional."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Agent, User
from approvals.eligibility import eligibility
from approvals.models import ApprovalRequest, Verdict
from approvals.signals import verdict_recorded
from traces.canonical import instant
from traces.ledger import append
from traces.models import Trace

State = ApprovalRequest.State
logger = logging.getLogger("remit.approvals")


class VerdictRefused(Exception):
    """A verdict that was not recorded. The message is the sentence the person reads."""


class AlreadyDecided(VerdictRefused):
    """The request was settled by someone else, or ran out, first (F1: first writer wins)."""


class DigestChanged(VerdictRefused):
    """The payload is no longer the one that was shown; nothing was decided (P4)."""


class NotEntitled(VerdictRefused):
    """This person may not decide this step (R-24)."""


class ReasonNeeded(VerdictRefused):
    """A rejection has no reason."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What `request_approval` needs to know about the action that waits."""

    trace: Trace
    action_id: str
    kind: str
    title: str
    requester: User
    agent: Agent | None
    route: Mapping[str, Any]
    expires_at: datetime
    excluded: Mapping[str, str]
    digest: str
    displayed: Mapping[str, Any]


def request_approval(*, actor: Actor, new: NewRequest) -> ApprovalRequest:
    """Put an action in the queue. Runs inside the transaction that makes the action PENDING."""
    request = ApprovalRequest.objects.create(
        workspace_id=new.trace.workspace_id,
        trace=new.trace,
        action_id=new.action_id,
        kind=new.kind,
        title=new.title,
        requester=new.requester,
        agent=new.agent,
        route=dict(new.route),
        excluded=dict(new.excluded),
        digest=new.digest,
        displayed=dict(new.displayed),
        created_at=database_now(),
        expires_at=new.expires_at,
    )
    body = {
        "approval": request.pk,
        "action": request.action_id,
        "kind": request.kind,
        "route": request.route,
        "digest": request.digest,
        "expires_at": instant(request.expires_at),
    }
    append(actor=actor, trace_id=request.trace_id, type="approval.requested", body=body)
    return request


def record_verdict(
    *, actor: Actor, user: User, request_id: str, choice: str, reason: str, digest: str
) -> ApprovalRequest:
    """Record one person's verdict on what that person was shown.

    Raises AlreadyDecided, DigestChanged, NotEntitled or ReasonNeeded; then nothing was recorded.
    """
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        now = database_now()
        _refuse_verdict(user, request, choice=choice, reason=reason, digest=digest, now=now)
        step = request.step
        Verdict.objects.create(
            request=request, step=step, user=user, choice=choice, reason=reason.strip(), digest=digest, at=now
        )
        _append_verdict(actor, request, step=step, choice=choice, reason=reason.strip(), now=now)
        _advance(actor, request, choice=choice, now=now)
    return request


def _refuse_verdict(
    user: User, request: ApprovalRequest, *, choice: str, reason: str, digest: str, now: datetime
) -> None:
    if choice not in Verdict.Choice.values:
        raise VerdictRefused("The verdict is not one of approve, reject.")
    if not request.is_open:
        raise AlreadyDecided(_settled_sentence(request))
    if now >= request.expires_at:
        raise AlreadyDecided(f"This request expired at {request.expires_at:%H:%M} UTC, so it was denied.")
    verdict = eligibility(user, request)
    if not verdict.may_decide:
        raise NotEntitled(verdict.reason)
    if digest != request.digest:
        raise DigestChanged("The payload changed after you opened it. Nothing was decided.")
    if choice == Verdict.Choice.REJECT and not reason.strip():
        raise ReasonNeeded("Write a reason. The agent and the person who asked will read it.")


def _settled_sentence(request: ApprovalRequest) -> str:
    last = request.verdicts.filter(void=False).select_related("user").last()
    if last is None or request.settled_at is None:
        return f"This request was already {request.state}."
    return f"Already {request.state} by {last.user.name} at {request.settled_at:%H:%M:%S} UTC."


def _append_verdict(
    actor: Actor, request: ApprovalRequest, *, step: int, choice: str, reason: str, now: datetime
) -> None:
    body = {
        "approval": request.pk,
        "action": request.action_id,
        "step": step,
        "step_name": request.steps[step - 1]["name"],
        "steps": len(request.steps),
        "choice": choice,
        "reason": reason,
        "saw": request.digest,
        "waited_ms": int((now - request.created_at).total_seconds() * 1000),
    }
    append(actor=actor, trace_id=request.trace_id, type="approval.verdict_recorded", body=body)


def _advance(actor: Actor, request: ApprovalRequest, *, choice: str, now: datetime) -> None:
    """Move to the next step when this one's quorum is full; settle on a rejection or after the last step."""
    if choice == Verdict.Choice.REJECT:
        settle(actor=actor, request=request, state=State.REJECTED, now=now)
        return
    votes = request.verdicts.filter(step=request.step, choice=Verdict.Choice.APPROVE, void=False).count()
    if votes < request.current_step["quorum"]:
        return
    if request.step == len(request.steps):
        settle(actor=actor, request=request, state=State.APPROVED, now=now)
        return
    request.step += 1
    request.save(update_fields=["step"])


def settle(*, actor: Actor, request: ApprovalRequest, state: str, now: datetime) -> None:
    """Close an open request. Runs inside a transaction that holds its row lock; tells the action's owner on commit."""
    request.state, request.settled_at = state, now
    request.save(update_fields=["state", "settled_at"])
    body = {"approval": request.pk, "action": request.action_id, "state": state, "digest": request.digest}
    append(actor=actor, trace_id=request.trace_id, type="approval.settled", body=body)
    transaction.on_commit(lambda: _tell(request.pk))


def _tell(request_id: str) -> None:
    """Tell the action's owner. A receiver that fails loses nothing: the verdict stands and the sweeper carries it over."""
    for _, answer in verdict_recorded.send_robust(sender=ApprovalRequest, request_id=request_id):
        if isinstance(answer, Exception):
            logger.error("The verdict of %s was recorded but not carried over yet.", request_id, exc_info=answer)


def close_request(*, actor: Actor, action_id: str, state: str) -> None:
    """Withdraw an action's open request or mark it stale, when the action ended some other way. Idempotent."""
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).filter(action_id=action_id).first()
        if request is not None and request.is_open:
            settle(actor=actor, request=request, state=state, now=database_now())


def mark_stale(*, actor: Actor, action_id: str, why: str) -> None:
    """An approval of how things stood is out of date: they moved before it ran. Idempotent; nothing where nobody was asked."""
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).filter(action_id=action_id).first()
        if request is None or request.state != State.APPROVED:
            return
        request.state = State.STALE
        request.save(update_fields=["state"])
        body = {"approval": request.pk, "action": action_id, "state": State.STALE.value, "why": why}
        append(actor=actor, trace_id=request.trace_id, type="approval.stale", body=body)


def expire_due(*, actor: Actor) -> int:
    """Deny every open request whose time has run out (B-05: a timeout is a denial). Returns how many."""
    now = database_now()
    due = list(ApprovalRequest.objects.filter(state=State.OPEN, expires_at__lte=now).values_list("pk", flat=True))
    for request_id in due:
        with transaction.atomic():
            request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
            if request.is_open:
                settle(actor=actor, request=request, state=State.EXPIRED, now=now)
    return len(due)


def replace_payload(
    *, actor: Actor, editor: User, request: ApprovalRequest, title: str, digest: str, displayed: Mapping[str, Any]
) -> None:
    """Show a new payload after an edit: earlier verdicts no longer count and the steps start again.

    The editor may send a draft but may not approve an edited action (R-24). Runs inside the edit's transaction.
    """
    request.verdicts.update(void=True)
    request.title, request.digest, request.displayed, request.step = title, digest, dict(displayed), 1
    if request.kind == ApprovalRequest.Kind.APPROVAL:
        request.excluded = {**request.excluded, editor.pk: "You edited this, so someone else approves it."}
    request.save(update_fields=["title", "digest", "displayed", "step", "excluded"])


def expiry_after(seconds: int) -> datetime:
    """A deadline on the database clock (R-27)."""
    return database_now() + timedelta(seconds=seconds)
