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
from approvals.algebra import Step, timers
from approvals.capacity import hold, told
from approvals.eligibility import Eligibility, eligibility, settled_sentence
from approvals.fatigue import above_limit, first_opened
from approvals.models import ApprovalRequest, Verdict, capacity_of
from approvals.refusals import (
    AlreadyDecided,
    DigestChanged,
    NotEntitled,
    NotSigned,
    ReasonNeeded,
    StepUpNeeded,
    VerdictRefused,
)
from approvals.requirement import FRESH, enough, required_level
from approvals.signals import verdict_recorded
from approvals.signing import ApprovalSignerMissing, sign
from approvals.statement import Proof, new_nonce, signed_form, state
from traces.canonical import instant
from traces.ledger import append
from traces.models import Trace

State = ApprovalRequest.State
# What lets an action run, once it is checked again at dispatch.
GRANTED = frozenset({State.APPROVED, State.BREAK_GLASS})
logger = logging.getLogger("remit.approvals")


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
    involved: Mapping[str, str]
    digest: str
    displayed: Mapping[str, Any]
    bound: Mapping[str, Any]


def request_approval(*, actor: Actor, new: NewRequest) -> ApprovalRequest:
    """Put an action in the queue. Runs inside the transaction that makes the action PENDING."""
    now = database_now()
    first = next(iter(timers(new.route, new.expires_at - now)), None)
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
        involved=dict(new.involved),
        digest=new.digest,
        displayed=dict(new.displayed),
        bound=dict(new.bound),
        created_at=now,
        expires_at=new.expires_at,
        next_timer_at=now + first.after if first else None,
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
    *,
    actor: Actor,
    user: User,
    request_id: str,
    choice: str,
    reason: str,
    digest: str,
    step: int | None = None,
    proof: Proof | None = None,
    via: str = "",
    together: int = 1,
) -> ApprovalRequest:
    """Record one person's verdict on what that person was shown, signed (R-25), with how they proved who they are.

    `via` says where it was given, in the ledger and in what is signed; empty is the console. `step` says which one, where
    several wait for this person; without it, the first of those. `together` is how many one press decides: they share the
    time it took.
    Raises AlreadyDecided, DigestChanged, NotEntitled, ReasonNeeded, StepUpNeeded or NotSigned; then nothing was recorded.
    """
    with transaction.atomic():
        request = ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
        now = database_now()
        # INVARIANT: whoever is signed in approves, whatever a request says. Held by tests/stepup/test_who_approves.py.
        if (actor.kind, actor.id) != ("user", user.pk):
            raise NotEntitled("A verdict is given by the person who is signed in.")
        may = _refuse_verdict(user, request, choice=choice, reason=reason, digest=digest, now=now)
        about = _chosen(may, step)
        if choice == Verdict.Choice.APPROVE:
            refuse_unproven(request, user, proof, now)
        hold(may)
        verdict = _verdict(
            actor, request, user, about, choice=choice, reason=reason.strip(), proof=proof, now=now, may=may,
            together=together, via=via,
        )  # fmt: skip
        _append_verdict(actor, request, about, verdict)
        _advance(actor, request, choice=choice, now=now)
    return request


def refuse_unproven(request: ApprovalRequest, user: User, proof: Proof | None, now: datetime) -> None:
    """Raises StepUpNeeded when the proof is missing, of somebody else, too old or too weak."""
    level = required_level(request)
    if level == "none":
        return
    fresh = proof is not None and proof.user_id == user.pk and now - proof.at <= FRESH
    if proof is None or not fresh or not enough(level, proof.method, by_passkey=proof.assertion is not None):
        raise StepUpNeeded(level)


def _verdict(
    actor: Actor,
    request: ApprovalRequest,
    user: User,
    step: Step,
    *,
    choice: str,
    reason: str,
    proof: Proof | None,
    now: datetime,
    may: Eligibility,
    together: int,
    via: str,
) -> Verdict:
    opened = first_opened(request, user)
    second = wants_second(user, request, choice, now)
    signed = _signed(
        actor,
        request,
        user,
        step.number,
        choice=choice,
        second=second,
        proof=proof,
        capacity=capacity_of(may.delegation, may.single, via),
    )
    return Verdict.objects.create(
        request=request, step=step.number, user=user, choice=choice, reason=reason, digest=request.digest, at=now,
        signed=signed, opened_at=opened, delegation=may.delegation, single=may.single, wants_second=second,
        together=together, via=via, dwell_ms=int((now - opened).total_seconds() * 1000 / together) if opened else None,
    )  # fmt: skip


def wants_second(user: User, request: ApprovalRequest, choice: str, now: datetime) -> bool:
    """Whether this verdict asks for one person more on its step. Runs inside a transaction."""
    return choice == Verdict.Choice.APPROVE and above_limit(user, request, now)


def _signed(
    actor: Actor, request: ApprovalRequest, user: User, step: int, *, choice: str, second: bool, proof: Proof | None,
    capacity: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """The statement with its signature. A rejection is never lost for want of a key: it is recorded without (P5)."""
    statement = state(request, user, choice=choice, step=step, second=second, capacity=capacity, **given_in(proof))
    try:
        return signed_by(actor, request, statement, proof)
    except NotSigned:
        if choice == Verdict.Choice.REJECT:
            return {}
        raise


def given_in(proof: Proof | None) -> dict[str, Any]:
    """What a statement takes from its proof: the nonce is the one that the passkey signed, if one did."""
    said = proof.statement if proof else None
    return {"step_up": proof.to_json() if proof else None, "nonce": str(said["nonce"]) if said else new_nonce()}


def signed_by(
    actor: Actor, request: ApprovalRequest, statement: Mapping[str, Any], proof: Proof | None
) -> dict[str, Any]:
    """A statement with its signature, as it is stored. Raises DigestChanged or NotSigned."""
    said = proof.statement if proof else None
    if said is not None and said != statement:
        raise DigestChanged("What you would sign changed after your passkey was asked. Nothing was decided.")
    try:
        made = sign(actor=actor, workspace_id=request.workspace_id, statement=statement)
    except ApprovalSignerMissing as error:
        raise NotSigned(f"{error} Nothing was decided.") from error
    return signed_form(statement, made.key, made.signature, proof)


def _refuse_verdict(
    user: User, request: ApprovalRequest, *, choice: str, reason: str, digest: str, now: datetime
) -> Eligibility:
    if choice not in Verdict.Choice.values:
        raise VerdictRefused("The verdict is not one of approve, reject.")
    refuse_settled(request, now)
    may = eligibility(user, request)
    if not may.may_decide:
        raise NotEntitled(may.reason)
    refuse_changed(request, digest)
    if choice == Verdict.Choice.REJECT and not reason.strip():
        raise ReasonNeeded("Write a reason. The agent and the person who asked will read it.")
    if choice == Verdict.Choice.APPROVE and not request.bound:
        raise NotSigned("This was asked before approvals were signed. Reject it, so that the agent can ask again.")
    return may


def step_for(user: User, request: ApprovalRequest, number: int | None) -> tuple[Step, dict[str, str]]:
    """The step a verdict of this person would be on, and by what right beside their own. Raises NotEntitled."""
    may = eligibility(user, request)
    if not may.may_decide:
        raise NotEntitled(may.reason)
    return _chosen(may, number), may.capacity


def _chosen(may: Eligibility, number: int | None) -> Step:
    found = next((step for step in may.steps if number in (None, step.number)), None)
    if found is None:
        raise NotEntitled(f"Step {number} does not wait for you.")
    return found


def refuse_settled(request: ApprovalRequest, now: datetime) -> None:
    """Raises AlreadyDecided where nobody can decide any more."""
    if not request.is_open:
        raise AlreadyDecided(settled_sentence(request))
    if now >= request.expires_at:
        raise AlreadyDecided(f"This request expired at {request.expires_at:%H:%M} UTC, so it was denied.")


def refuse_changed(request: ApprovalRequest, digest: str) -> None:
    """Raises DigestChanged where `digest` is not of what would run (P4)."""
    if digest != request.digest:
        raise DigestChanged("The payload changed after you opened it. Nothing was decided.")


def _append_verdict(actor: Actor, request: ApprovalRequest, step: Step, verdict: Verdict) -> None:
    body = {
        "approval": request.pk,
        "action": request.action_id,
        "step": step.number,
        "step_name": step.name,
        "steps": len(request.steps),
        "choice": verdict.choice,
        "reason": verdict.reason,
        "saw": request.digest,
        "waited_ms": int((verdict.at - request.created_at).total_seconds() * 1000),
        "opened_at": instant(verdict.opened_at) if verdict.opened_at else None,
        "dwell_ms": verdict.dwell_ms,
        "wants_second": verdict.wants_second,
        "together": verdict.together,
        "signed": verdict.signed or None,
        **told(verdict),
        "via": verdict.via,
    }
    append(actor=actor, trace_id=request.trace_id, type="approval.verdict_recorded", body=body)


def _advance(actor: Actor, request: ApprovalRequest, *, choice: str, now: datetime) -> None:
    """Move on to what waits after this verdict; settle on a rejection or when every step has its people."""
    if choice == Verdict.Choice.REJECT:
        settle(actor=actor, request=request, state=State.REJECTED, now=now)
        return
    left = request.waiting
    if not left:
        settle(actor=actor, request=request, state=State.APPROVED, now=now)
        return
    request.step = left[0].number
    request.save(update_fields=["step"])


def settle(*, actor: Actor, request: ApprovalRequest, state: str, now: datetime) -> None:
    """Close an open request. Runs inside a transaction that holds its row lock; tells the action's owner on commit."""
    request.state, request.settled_at, request.next_timer_at = state, now, None
    request.save(update_fields=["state", "settled_at", "next_timer_at"])
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
        if request is None or request.state not in GRANTED:
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
    *,
    actor: Actor,
    editor: User,
    stands_in_for: User | None,
    request: ApprovalRequest,
    title: str,
    digest: str,
    displayed: Mapping[str, Any],
    bound: Mapping[str, Any],
) -> None:
    """Show a new payload after an edit: earlier verdicts no longer count and the steps start again.

    The editor may send a draft but may not approve an edited action, nor may whom they stood in for: the two count as one
    human (R-24). Runs inside the edit's transaction.
    """
    request.verdicts.update(void=True)
    request.title, request.digest, request.displayed, request.step = title, digest, dict(displayed), 1
    request.bound = dict(bound)
    edited = {editor.pk: "You edited this, so someone else approves it."}
    if stands_in_for is not None:
        edited[stands_in_for.pk] = f"{editor.name} edited this for you, so someone else approves it."
    if request.kind == ApprovalRequest.Kind.APPROVAL:
        request.excluded = {**request.excluded, **edited}
    request.involved = {**request.involved, **edited}
    # A step that was settled waits again, and so may what escalates it.
    request.next_timer_at = database_now()
    fields = ["title", "digest", "displayed", "bound", "step", "excluded", "involved", "next_timer_at"]
    request.save(update_fields=fields)


def expiry_after(seconds: int) -> datetime:
    """A deadline on the database clock (R-27)."""
    return database_now() + timedelta(seconds=seconds)
