"""What is recorded after an attempt: outcome, read-back, limits, the end of the credential."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from actions.changes import mismatches, observed_changes
from actions.connectors.base import Credential, Outcome, ReadFailed, Snapshot
from actions.connectors.compare import compare
from actions.connectors.operation import OperationError, fill
from actions.execution.reach import Reach
from actions.machine import StateConflict, move
from actions.models import Action
from actions.record import known_secrets
from actions.redaction import mask
from actions.states import State
from policies.engine.decide import visible
from policies.engine.problems import PolicyError
from policies.limits import release, settle
from policies.services import PolicyMissing, live_document
from traces.ledger import append

RESULTS = {
    "done": (State.SUCCEEDED, "action.succeeded"),
    "no_effect": (State.FAILED, "action.failed"),
    "unknown": (State.UNKNOWN, "action.unknown"),
}


def block(actor: Actor, action: Action, sentence: str) -> None:
    """Something no longer holds: nothing was sent, and the reserved amounts are free again."""
    with transaction.atomic():
        move(
            actor=actor, action=action, to=State.BLOCKED, entry="action.blocked", body={"detail": sentence},
            detail=sentence[:500], finished_at=database_now(),
        )  # fmt: skip
        release(action_id=action.pk)


def record_outcome(
    actor: Actor, action: Action, way: Reach, outcome: Outcome, credential: Credential, *, timeout_s: float
) -> None:
    """Read back what changed and record the outcome. A late result counts only under our own fence (F18)."""
    observed = _read_back(action, way, outcome, credential, timeout_s) if outcome.kind == "done" else None
    body, columns = _result(action, way, outcome, observed)
    to, entry = RESULTS[outcome.kind]
    try:
        _write(actor, action, to, entry, body, columns)
    except StateConflict:
        held = action.fence
        action.refresh_from_db()
        if action.state != State.UNKNOWN or action.fence != held or to is State.UNKNOWN:
            raise
        _write(actor, action, to, entry, {**body, "late": True}, columns)


def _write(
    actor: Actor, action: Action, to: State, entry: str, body: Mapping[str, Any], columns: dict[str, Any]
) -> None:
    with transaction.atomic():
        move(actor=actor, action=action, to=to, entry=entry, body=body, **columns)
        if to is State.SUCCEEDED:
            settle(action_id=action.pk)
        elif to is State.FAILED:
            release(action_id=action.pk)


def _read_back(
    action: Action, way: Reach, outcome: Outcome, credential: Credential, timeout_s: float
) -> Snapshot | None:
    """The record after the write, through a second read; None when it cannot be had, which is then said."""
    operation = way.operation
    template = operation.read_created or (operation.read.path if operation.write and operation.read else None)
    if template is None:
        return None
    values = {**action.arguments, **({"id": (outcome.body or {}).get("id", "")} if operation.read_created else {})}
    try:
        return way.connector.read(way.info, fill(template, values), credential, timeout_s=timeout_s)
    except (ReadFailed, OperationError):
        return None


def _result(
    action: Action, way: Reach, outcome: Outcome, observed: Snapshot | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ledger body and the columns of an outcome."""
    body = dict(outcome.body or {})
    shown, withheld = _visible(action, way, body) if outcome.kind == "done" else ({}, [])
    changes = observed_changes(action.changes, _compare(way, action, observed)) if observed else action.changes
    remote_id = observed.record_id if observed else str(body.get("id", ""))
    known = known_secrets(
        way.definition, action.proposed, action.arguments, body, (action.before or {}).get("fields", {})
    )
    ledger = {
        "status": outcome.status,
        "elapsed_ms": outcome.elapsed_ms,
        "detail": outcome.detail,
        "received": mask(body if way.operation.write else shown, known),
        "withheld": withheld,
        "changes": mask(changes, known),
        "verified": observed is not None and not mismatches(changes),
        "mismatches": mismatches(changes),
        "remote_id": remote_id,
        "link": _link(action, way, remote_id),
    }
    columns = {
        "status_code": outcome.status,
        "detail": outcome.detail[:500],
        "result": {"record": shown, "withheld": withheld, "remote_id": remote_id, "verified": ledger["verified"]},
        "changes": changes,
        "finished_at": database_now(),
    }
    return ledger, columns


def _visible(action: Action, way: Reach, body: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The answer as this agent's role may read it (fields both ways); unlisted names are withheld and named."""
    try:
        document, _ = live_document(workspace_id=action.workspace_id, slug=action.agent.policy)
    except (PolicyMissing, PolicyError):
        return {}, sorted(body)  # The effect is done and must be recorded; without a policy nothing of it is shown.
    return visible(document, action.agent.role, way.definition.resource_type, body)


def _compare(way: Reach, action: Action, observed: Snapshot) -> dict[str, dict[str, Any]]:
    results = compare(way.operation, way.definition.fields(action.arguments), observed)
    return {r.field: {"observed": r.observed, "matched": r.matched, "normalised": r.normalised} for r in results}


def _link(action: Action, way: Reach, remote_id: str) -> str:
    """The page of the record, or nothing where the system's answer gives no usable id."""
    base = action.tool.connection.link_url if action.tool else ""
    if not base or not way.operation.link:
        return ""
    try:
        return base.rstrip("/") + fill(way.operation.link, {**action.arguments, "id": remote_id or "-"})
    except OperationError:
        return ""


def end_credential(actor: Actor, action: Action, way: Reach, credential: Credential) -> None:
    """Revoke the attempt's credential and say whether the system confirmed it (P8)."""
    confirmed = way.connector.revoke(way.info, credential)
    body = {"action": action.pk, "step": action.step, "credential": credential.id, "confirmed": confirmed}
    with transaction.atomic():
        append(actor=actor, trace_id=action.trace_id, type="credential.revoked", body=body)
