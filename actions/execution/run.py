"""Runs one authorized action: claim, re-check, mint, record the intent, dispatch, read back, record (guarantees 4.1).

Every entry point - inline call, Celery task, rollback - comes through `run` (R-20).
"""

from dataclasses import asdict

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.room import left
from actions.connectors.base import Credential, CredentialError, Outcome, Sent
from actions.connectors.operation import OperationError
from actions.epochs import current, doubt, may_have_run
from actions.execution import credentials, recheck
from actions.execution.by_agent import hand_over
from actions.execution.compose import attempt_record, compose, request_digest
from actions.execution.finish import block, give_back, record_outcome
from actions.execution.lease import Lease
from actions.execution.reach import OutOfReach, Reach, reach
from actions.execution.upstream import moved_upstream
from actions.machine import StateConflict, move
from actions.models import Action
from actions.record import known_secrets
from actions.redaction import mask, mask_path
from actions.spans import executing
from actions.states import State
from actions.turns import is_its_turn
from traces.canonical import instant
from traces.ledger import held_trace


class Moved(Exception):
    """Something no longer holds at the instant of the intent: nothing was recorded and nothing is sent."""

    def __init__(self, found: recheck.Finding) -> None:
        super().__init__(found.sentence)
        self.found = found


def run(*, actor: Actor, action_id: str) -> State:
    """Run an action if it is authorized and it is its turn; otherwise do nothing. Safe to call any number of times.

    Returns the state it is in afterwards.
    """
    action = recheck.read_now(action_id)
    if action.state != State.AUTHORIZED:
        return State(action.state)
    try:
        _start(actor, action)
    except StateConflict:
        action.refresh_from_db()
    except recheck.Held:
        return State.AUTHORIZED  # It was not even claimed: waiting is no event, however often somebody rings.
    return State(action.state)


def _start(actor: Actor, action: Action) -> None:
    """Claim it and act, if it may start now. Raises StateConflict when somebody else moved it, Held before it is claimed."""
    epoch = current()
    if may_have_run(action, epoch):
        return doubt(actor, action, epoch)
    if not is_its_turn(action):
        return None
    recheck.refuse_held(action)
    lease = Lease.take()
    with executing(action):
        _claim(actor, action, lease)
        return _attempt(actor, action, lease)


def _claim(actor: Actor, action: Action, lease: Lease) -> None:
    body = {"fence": action.fence + 1, "lease_until": instant(lease.until)}
    move(
        actor=actor, action=action, to=State.CLAIMED, entry="action.claimed", body=body,
        fence=action.fence, lease_until=lease.until, bump_fence=True,
    )  # fmt: skip


def _attempt(actor: Actor, action: Action, lease: Lease) -> None:
    assert action.tool is not None  # An authorized action has a tool: an unknown one is denied.
    try:
        way = reach(action.tool, action.redact, lease)
        found = None if _asks_nobody(action, way) else _looked(actor, action, way)
        if found:
            return _block(actor, action, found)
        if way.operation.by_agent:
            found = hand_over(actor, action, way)
            return _block(actor, action, found) if found else None
        sent = compose(action, way)
        credential = _mint(actor, action, way, lease)
    except recheck.Held as held:
        return give_back(actor, action, str(held))
    except (OutOfReach, OperationError, CredentialError) as error:
        return block(actor, action, str(error))
    try:
        _dispatch(actor, action, way, sent, credential, lease)
    finally:
        credentials.end(actor, action, way, credential)


def _asks_nobody(action: Action, way: Reach) -> bool:
    """Whether no system is talked to between the claim and the intent: then the last look, an instant later and under its
    locks, asks all that would be asked now. A target that is compared, a server's list and a minted credential are asked for."""
    compares = action.before is not None and not way.definition.reads_only
    return not compares and way.upstream is None and way.connector.asks_nobody(way.info)


def _looked(actor: Actor, action: Action, way: Reach) -> recheck.Finding | None:
    """What no longer holds before another system is talked to. Raises Held."""
    return recheck.problem(action, way) or moved_upstream(actor, action, way)


def _block(actor: Actor, action: Action, found: recheck.Finding) -> None:
    block(actor, action, found.sentence, moved=[asdict(one) for one in found.moved])


def _mint(actor: Actor, action: Action, way: Reach, lease: Lease) -> Credential:
    """A credential for this attempt: the operation's one scope, the target record, inside the lease."""
    scope, record = (way.operation.scope,), attempt_record(action, way)
    if way.connector.asks_nobody(way.info):
        return credentials.own(action, way, scope=scope, record=record, lease=lease)
    return credentials.mint(
        actor, action, way, scope=scope, record=record, lease=lease, purpose=credentials.Purpose.ATTEMPT
    )


def _dispatch(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease) -> None:
    """The intent is durable before the first byte leaves; whatever happens then is recorded as what it is."""
    if lease.timeout_s() <= 0:
        return block(actor, action, "The lease was too short to act in.")
    try:
        _record_intent(actor, action, way, sent, credential)
    except recheck.Held as held:
        return give_back(actor, action, str(held))
    except Moved as moved:
        return _block(actor, action, moved.found)
    outcome = _send(way, sent, credential, lease)
    return record_outcome(actor, action, way, outcome, credential, timeout_s=lease.timeout_s())


def _send(way: Reach, sent: Sent, credential: Credential, lease: Lease) -> Outcome:
    timeout = lease.timeout_s()
    if timeout <= 0:
        return Outcome("no_effect", None, None, "The lease ran out before anything was sent.", 0)
    with left():
        return way.connector.dispatch(way.info, way.operation, sent, credential, timeout_s=timeout)


def _record_intent(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential) -> None:
    """The intent, in the transaction of a last look. Raises Held or Moved; then nothing was recorded.

    INVARIANT: what is committed before the intent counts, however long the credential took to get (P4, P9, R-26). Held by
    tests/faults/test_credentials.py.
    """
    known = known_secrets(way.definition, action.proposed, action.arguments, (action.before or {}).get("fields", {}))
    digest = request_digest(action, sent)
    intent = {
        "idempotency_key": action.pk,
        "fence": action.fence,
        "method": sent.method,
        "path": mask_path(sent.path, known),
        "sent": mask(sent.body or action.arguments, known),
        "digest": action.digest,
        "request_digest": digest,
    }
    with transaction.atomic():
        # The chain's lock before the limits' locks, as everywhere.
        chain = held_trace(action.trace_id)
        found = recheck.last_look(action.pk, way)
        if found:
            raise Moved(found)
        chain.at = database_now()
        if credential.standing:
            credentials.note(actor, action, credential, credentials.Purpose.ATTEMPT, chain)
        move(
            actor=actor, action=action, to=State.DISPATCHING, entry="action.dispatching", body=intent, chain=chain,
            dispatched_at=chain.at, sent_digest=digest, sent_to=action.goes_to,
        )  # fmt: skip
