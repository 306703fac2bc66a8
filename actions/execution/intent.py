"""The intent: what is about to be sent, on disk before the first byte leaves (P2), with what claims the action for it."""

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from actions.connectors.base import Credential, Sent
from actions.execution import credentials, recheck
from actions.execution.compose import request_digest
from actions.execution.lease import Lease
from actions.execution.reach import Reach
from actions.machine import move
from actions.models import Action
from actions.record import known_secrets
from actions.redaction import mask, mask_path
from actions.states import State
from traces.canonical import instant
from traces.ledger import Held, held_trace


class Moved(Exception):
    """Something no longer holds at the instant of the intent: nothing was recorded and nothing is sent."""

    def __init__(self, found: recheck.Finding) -> None:
        super().__init__(found.sentence)
        self.found = found


def claim(actor: Actor, action: Action, lease: Lease, chain: Held | None = None) -> None:
    """Take an authorized action for one attempt, under a new fence. Raises StateConflict where somebody else moved it."""
    body = {"fence": action.fence + 1, "lease_until": instant(lease.until)}
    move(
        actor=actor, action=action, to=State.CLAIMED, entry="action.claimed", body=body, chain=chain,
        fence=action.fence, lease_until=lease.until, bump_fence=True,
    )  # fmt: skip


def record_intent(actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease) -> None:
    """The intent, in the transaction of a last look, with the claim of what is not claimed yet.

    Raises Held or Moved, or StateConflict where somebody else claimed it; then nothing was recorded.

    INVARIANT: what is committed before the intent counts, however long the credential took to get (P4, P9, R-26). Held by
    tests/faults/test_credentials.py.
    """
    with transaction.atomic():
        # The chain's lock before the limits' locks, as everywhere.
        chain = held_trace(action.trace_id)
        _refuse_moved(recheck.last_look(action, way))
        _write(actor, action, way, sent, credential, lease, chain)


def record_intent_with_decision(
    actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease, chain: Held
) -> None:
    """The same in the transaction that decided it, which holds its trace: nothing else in between. Raises Held or Moved."""
    _refuse_moved(recheck.last_look_at_decision(action, way))
    _write(actor, action, way, sent, credential, lease, chain)


def _refuse_moved(found: recheck.Finding | None) -> None:
    if found:
        raise Moved(found)


def _write(
    actor: Actor, action: Action, way: Reach, sent: Sent, credential: Credential, lease: Lease, chain: Held
) -> None:
    """Once all holds: what claims it, the credential that nobody was asked for, and the intent."""
    known = known_secrets(way.definition, action.proposed, action.arguments, (action.before or {}).get("fields", {}))
    digest = request_digest(action, sent)
    chain.at = database_now()
    if action.state == State.AUTHORIZED:
        claim(actor, action, lease, chain)
    if credential.standing:
        credentials.note(actor, action, credential, credentials.Purpose.ATTEMPT, chain)
    intent = {
        "idempotency_key": action.pk,
        "method": sent.method,
        "path": mask_path(sent.path, known),
        "sent": mask(sent.body or action.arguments, known),
        "digest": action.digest,
        "request_digest": digest,
    }
    move(
        actor=actor, action=action, to=State.DISPATCHING, entry="action.dispatching", chain=chain,
        body=intent | {"fence": action.fence}, dispatched_at=chain.at, sent_digest=digest, sent_to=action.goes_to,
    )  # fmt: skip
