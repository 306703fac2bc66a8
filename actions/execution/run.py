"""Runs one authorized action: claim, re-check, mint, record the intent, dispatch, read back, record (guarantees 4.1).

Every entry point - inline call, Celery task, rollback - comes through `run` (R-20).
"""

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from actions.connectors.base import Credential, CredentialError, Outcome, Sent
from actions.connectors.operation import OperationError, fill
from actions.execution import recheck
from actions.execution.finish import block, end_credential, record_outcome
from actions.execution.lease import Lease
from actions.execution.reach import OutOfReach, Reach, reach
from actions.machine import StateConflict, move
from actions.models import Action
from actions.record import known_secrets
from actions.redaction import mask
from actions.states import State
from actions.turns import is_its_turn
from traces.canonical import instant
from traces.ledger import append


def run(*, actor: Actor, action_id: str) -> State:
    """Run an action if it is authorized and it is its turn; otherwise do nothing. Safe to call any number of times.

    Returns the state it is in afterwards.
    """
    related = ("tool__connection", "agent", "requester", "acting_user", "workspace", "trace")
    action = Action.objects.select_related(*related).get(pk=action_id)
    if action.state != State.AUTHORIZED or not is_its_turn(action):
        return State(action.state)
    lease = Lease.take()
    try:
        _claim(actor, action, lease)
        _attempt(actor, action, lease)
    except StateConflict:
        action.refresh_from_db()
    return State(action.state)


def _claim(actor: Actor, action: Action, lease: Lease) -> None:
    body = {"fence": action.fence + 1, "lease_until": instant(lease.until)}
    move(
        actor=actor, action=action, to=State.CLAIMED, entry="action.claimed", body=body,
        fence=action.fence, lease_until=lease.until, bump_fence=True,
    )  # fmt: skip


def _attempt(actor: Actor, action: Action, lease: Lease) -> None:
    assert action.tool is not None  # An authorized action has a tool: an unknown one is denied.
    try:
        way = reach(action.tool)
        stale = recheck.problem(action, way)
        if stale:
            return block(actor, action, stale)
        sent = _compose(action, way)
        credential = _mint(action, way, lease)
    except (OutOfReach, OperationError, CredentialError) as error:
        return block(actor, action, str(error))
    if lease.timeout_s() <= 0:
        way.connector.revoke(way.info, credential)
        return block(actor, action, "The lease was too short to act in.")
    return _dispatch(actor, action, way, sent, credential, lease)


def _compose(action: Action, way: Reach) -> Sent:
    return way.connector.compose(
        way.operation,
        action.arguments,
        way.definition.fields(action.arguments),
        version=(action.before or {}).get("version"),
        idempotency_key=action.pk,
        action_id=action.pk,
    )


def _mint(action: Action, way: Reach, lease: Lease) -> Credential:
    """A credential for this attempt: the operation's one scope, the target record, inside the lease."""
    part = way.operation.write or way.operation.read
    assert part is not None
    bound = way.operation.read_created is None
    record = fill(part.path, action.arguments) if bound else None
    return way.connector.mint(way.info, scope=(part.scope,), record=record, ttl_s=lease.ttl_s(), reference=action.pk)


def _dispatch(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease) -> None:
    """The intent is durable before the first byte leaves; whatever happens then is recorded as what it is."""
    _record_intent(actor, action, way, sent, credential)
    outcome = _send(way, sent, credential, lease)
    record_outcome(actor, action, way, outcome, credential, timeout_s=max(lease.timeout_s(), 0.1))
    end_credential(actor, action, way, credential)


def _send(way: Reach, sent: Sent, credential: Credential, lease: Lease) -> Outcome:
    timeout = lease.timeout_s()
    if timeout <= 0:
        return Outcome("no_effect", None, None, "The lease ran out before anything was sent.", 0)
    return way.connector.dispatch(way.info, way.operation, sent, credential, timeout_s=timeout)


def _record_intent(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential) -> None:
    known = known_secrets(way.definition, action.proposed, action.arguments, (action.before or {}).get("fields", {}))
    minted = {
        "action": action.pk,
        "step": action.step,
        "credential": credential.id,
        "scope": list(credential.scope),
        "record": credential.record,
        "ttl_s": credential.expires_in_s,
    }
    intent = {
        "idempotency_key": action.pk,
        "fence": action.fence,
        "method": sent.method,
        "path": mask(sent.path, known),
        "sent": mask(sent.body or action.arguments, known),
        "digest": action.digest,
    }
    with transaction.atomic():
        append(actor=actor, trace_id=action.trace_id, type="credential.minted", body=minted)
        move(
            actor=actor, action=action, to=State.DISPATCHING, entry="action.dispatching", body=intent,
            dispatched_at=database_now(),
        )  # fmt: skip
