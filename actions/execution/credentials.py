"""Credentials of attempts: minted narrow, kept sealed until they ended, revoked by whoever is left (P8, T17)."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.room import left
from actions.connectors.base import Credential
from actions.execution.lease import Bound
from actions.execution.reach import OutOfReach, Reach, reach
from actions.models import Action, AttemptCredential
from actions.record import secrets_in
from actions.redaction import mask_path
from actions.sealing import SealBroken, seal, unseal
from actions.states import State
from traces.ledger import Held, append

Purpose = AttemptCredential.Purpose
# A live attempt ends its own credential; whoever finds it later waits this long for that.
GRACE = timedelta(seconds=2)


def mint(
    actor: Actor,
    action: Action,
    way: Reach,
    *,
    scope: Sequence[str],
    record: str | None,
    lease: Bound,
    purpose: Purpose,
) -> Credential:
    """A credential for one attempt, in the ledger and in our keeping before it is used. Raises CredentialError."""
    credential = _asked_for(action, way, scope, record, lease)
    try:
        _keep(actor, action, credential, purpose)
    except BaseException:
        way.connector.revoke(way.info, credential)  # What cannot be recorded is not used.
        raise
    return credential


def _asked_for(action: Action, way: Reach, scope: Sequence[str], record: str | None, lease: Bound) -> Credential:
    timeout_s, ttl_s = lease.asking()
    with nullcontext() if way.connector.asks_nobody(way.info) else left():
        return way.connector.mint(
            way.info, scope=scope, record=record, ttl_s=ttl_s, reference=action.pk, timeout_s=timeout_s
        )


def own(action: Action, way: Reach, *, scope: Sequence[str], record: str | None, lease: Bound) -> Credential:
    """The connection's own credential, where nobody is asked for one: nothing was made, so nothing has to be kept or ended.

    Whoever uses it notes it in the transaction of the intent. Raises CredentialError.
    """
    assert way.connector.asks_nobody(way.info)  # Asked by the caller; what is minted is kept at once.
    return _asked_for(action, way, scope, record, lease)


def note(actor: Actor, action: Action, credential: Credential, purpose: Purpose, chain: Held | None = None) -> None:
    """The ledger's entry of a credential, in the caller's transaction. `chain`: the trace, where that holds it already."""
    body = {
        "action": action.pk,
        "step": action.step,
        "credential": credential.id,
        "purpose": purpose.value,
        "scope": list(credential.scope),
        "record": mask_path(credential.record, secrets_in(action)) if credential.record else credential.record,
        "ttl_s": credential.expires_in_s,
        "standing": credential.standing,
    }
    append(actor=actor, trace_id=action.trace_id, type="credential.minted", body=body, held=chain)


def _keep(actor: Actor, action: Action, credential: Credential, purpose: Purpose) -> None:
    with transaction.atomic():
        if not credential.standing:
            now = database_now()
            AttemptCredential.objects.create(
                action=action, public_id=credential.id[:200], purpose=purpose, sealed_secret=seal(credential.secret),
                scope=list(credential.scope), record=credential.record or "", minted_at=now,
                expires_at=now + timedelta(seconds=credential.expires_in_s),
            )  # fmt: skip
        note(actor, action, credential, purpose)


def end(actor: Actor, action: Action, way: Reach, credential: Credential) -> None:
    """Revoke an attempt's credential and say whether the system confirmed it. Unconfirmed, it is tried again.

    What is standing does not end with an attempt, and nothing says that it did.
    """
    if credential.standing:
        return
    with left():
        confirmed = way.connector.revoke(way.info, credential)
    _record_end(actor, action, credential.id, confirmed=confirmed)


def _record_end(actor: Actor, action: Action, public_id: str, *, confirmed: bool) -> None:
    body = {"action": action.pk, "step": action.step, "credential": public_id, "confirmed": confirmed}
    with transaction.atomic():
        if confirmed:
            rows = AttemptCredential.objects.filter(action=action, public_id=public_id[:200], ended_at=None)
            rows.update(ended_at=database_now(), sealed_secret="")
        append(actor=actor, trace_id=action.trace_id, type="credential.revoked", body=body)


def left_over() -> QuerySet[AttemptCredential]:
    """Credentials that nobody ends any more: their time is over, or their attempt is, but not by its own worker."""
    now = database_now()
    running = Q(action__state__in=[State.CLAIMED, State.DISPATCHING, State.UNKNOWN], action__lease_until__gt=now)
    return AttemptCredential.objects.filter(ended_at=None, minted_at__lt=now - GRACE).exclude(
        running & Q(expires_at__gt=now)
    )


def end_left_over(*, actor: Actor, action_id: str) -> int:
    """End what attempts of this action left: revoke what may still be good, close what has expired. Returns how many."""
    rows = list(left_over().filter(action_id=action_id).select_related("action__tool__connection"))
    return sum(_end_one(actor, row) for row in rows)


def _end_one(actor: Actor, row: AttemptCredential) -> bool:
    if row.expires_at <= database_now():
        with transaction.atomic():
            closed = AttemptCredential.objects.filter(pk=row.pk, ended_at=None)
            if closed.update(ended_at=row.expires_at, sealed_secret=""):
                body = {"action": row.action_id, "step": row.action.step, "credential": row.public_id}
                append(actor=actor, trace_id=row.action.trace_id, type="credential.expired", body=body)
        return True
    assert row.action.tool is not None  # Only what was dispatched or looked up has a credential.
    try:
        way = reach(row.action.tool)
        secret = unseal(row.sealed_secret)
    except (OutOfReach, SealBroken):
        return False  # It is closed when it expires.
    credential = Credential(row.public_id, secret, tuple(row.scope), row.record or None, 0)
    if not way.connector.revoke(way.info, credential):
        return False
    _record_end(actor, row.action, row.public_id, confirmed=True)
    return True


def dead_from(action: Action) -> datetime | None:
    """When the last credential that could write for this action was, or will be, dead; None where none was minted."""
    rows = AttemptCredential.objects.filter(action=action).exclude(purpose=Purpose.LOOK_UP)
    ends = [ended or expires for ended, expires in rows.values_list("ended_at", "expires_at")]
    return max(ends, default=None)
