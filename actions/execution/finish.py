"""What is recorded after an attempt: outcome, read-back, limits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.room import left
from actions.changes import after_removal, mismatches, observed_changes
from actions.connectors.base import Credential, Outcome, ReadFailed, RecordGone, Snapshot
from actions.connectors.compare import compare
from actions.connectors.operation import Operation, OperationError, fill
from actions.execution.reach import Reach
from actions.facts import engine_request, standing
from actions.machine import StateConflict, move
from actions.models import Action
from actions.rechecks import draw
from actions.record import MOST_SAID, known_secrets, said
from actions.redaction import UNLISTED, Secrets, mask, mask_inside, mask_name
from actions.reversal import inverse_for
from actions.states import State
from approvals.services import mark_stale
from policies.engine.plan import values
from policies.engine.problems import PolicyError
from policies.engine.rows import Shown, visible, visible_rows
from policies.limits import release, settle
from policies.services import PolicyMissing, read_live
from traces.ledger import Sensitive

# What a refusal says of itself for people to read (RFC 9457).
PROBLEM = ("type", "title", "status", "detail", "code")
RESULTS = {
    "done": (State.SUCCEEDED, "action.succeeded"),
    "no_effect": (State.FAILED, "action.failed"),
    "unknown": (State.UNKNOWN, "action.unknown"),
}


def block(actor: Actor, action: Action, sentence: str, *, moved: Sequence[Mapping[str, Any]] = ()) -> None:
    """Something no longer holds: nothing was sent, and the reserved amounts are free again.

    What moved since the decision is kept, and an approval of how things stood then is out of date.
    """
    rows, sentence = [dict(row) for row in moved], said(action, sentence)
    with transaction.atomic():
        move(
            actor=actor, action=action, to=State.BLOCKED, entry="action.blocked",
            body={"detail": sentence, **({"moved": rows} if rows else {})}, detail=sentence[:500], drift=rows,
            finished_at=database_now(),
        )  # fmt: skip
        if rows:
            mark_stale(actor=actor, action_id=action.pk, why=sentence)
        release(action_id=action.pk)


def give_back(actor: Actor, action: Action, sentence: str) -> None:
    """A pause began after the claim: nothing was sent, and the action waits in the queue as before."""
    move(
        actor=actor, action=action, to=State.AUTHORIZED, entry="action.held", body={"detail": sentence},
        bump_fence=True, lease_until=None,
    )  # fmt: skip


def record_outcome(
    actor: Actor, action: Action, way: Reach, outcome: Outcome, credential: Credential, *, timeout_s: float
) -> None:
    """Read back what changed and record the outcome. A late result counts only under our own fence (F18)."""
    seen = _read_back(action, way, outcome, credential, timeout_s) if outcome.kind == "done" else UNSEEN
    body, columns = _result(action, way, outcome, seen)
    to, entry = RESULTS[outcome.kind]
    if to is State.UNKNOWN:
        columns |= doubt_columns(way.operation, str(body["detail"]))
    try:
        write_outcome(actor, action, to, entry, body, columns)
    except StateConflict:
        held = action.fence
        action.refresh_from_db()
        if action.state != State.UNKNOWN or action.fence != held or to is State.UNKNOWN:
            raise
        write_outcome(actor, action, to, entry, {**body, "late": True}, columns)


def record_found(
    actor: Actor,
    action: Action,
    way: Reach,
    outcome: Outcome,
    credential: Credential,
    *,
    how: str,
    timeout_s: float,
) -> None:
    """What was found out later about an action in doubt: its effect, read back, or the proof that there was none."""
    seen = _read_back(action, way, outcome, credential, timeout_s) if outcome.kind == "done" else UNSEEN
    body, columns = _result(action, way, outcome, seen)
    to, _ = RESULTS[outcome.kind]
    found = {"how": how, "tries": action.reconcile_tries}
    write_outcome(actor, action, to, "action.reconciled", {**body, **found}, {**columns, "reconcile_at": None})


def doubt_columns(operation: Operation, detail: str) -> dict[str, Any]:
    """The columns of an action that has become UNKNOWN. What cannot be found out by asking is settled at once."""
    now = database_now()
    asks = operation.write is not None and operation.klass != "C"
    return {
        "unknown_at": now,
        "reconcile_at": now + timedelta(seconds=settings.REMIT_RECONCILE_S) if asks else now,
        "finished_at": None,
        "detail": detail[:500],
    }


def write_outcome(
    actor: Actor, action: Action, to: State, entry: str, body: Mapping[str, Any], columns: dict[str, Any]
) -> None:
    """Move to an outcome and settle or release what was reserved, in one transaction. Raises StateConflict."""
    with transaction.atomic():
        move(actor=actor, action=action, to=to, entry=entry, body=body, **columns)
        if to is State.SUCCEEDED:
            settle(action_id=action.pk)
            draw(action)
        elif to is State.FAILED:
            release(action_id=action.pk)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a second read showed: the record, or the system's word that there is none any more; neither where it was not read."""

    record: Snapshot | None = None
    gone: bool = False


UNSEEN = Seen()


def _read_back(action: Action, way: Reach, outcome: Outcome, credential: Credential, timeout_s: float) -> Seen:
    """The record after the write, through a second read; nothing when it cannot be had, which is then said."""
    operation = way.operation
    template = operation.read_created or (operation.read.path if operation.write and operation.read else None)
    if template is None or timeout_s <= 0:
        return UNSEEN
    values = {**action.arguments, **({"id": (outcome.body or {}).get("id", "")} if operation.read_created else {})}
    try:
        path = fill(template, values)
        with left():
            return Seen(way.connector.read(way.info, path, credential, timeout_s=timeout_s))
    except RecordGone:
        return Seen(gone=_removes(way.operation))
    except (ReadFailed, OperationError):
        return UNSEEN


def _removes(operation: Operation) -> bool:
    """Whether it is done when the record is no longer there."""
    return operation.write is not None and operation.write.method == "DELETE"


def _is_verified(way: Reach, seen: Seen, changes: Iterable[dict[str, Any]]) -> bool:
    """INVARIANT: what is still there was not removed, whatever the system answered. Held by
    tests/upstreams/test_openapi_looks.py.
    """
    return seen.gone if _removes(way.operation) else seen.record is not None and not mismatches(changes)


def _result(action: Action, way: Reach, outcome: Outcome, seen: Seen) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ledger body and the columns of an outcome."""
    observed = seen.record
    body = dict(outcome.body or {})
    shown = _visible(action, way, body) if outcome.kind == "done" else Shown({})
    changes = _changes(action, way, seen)
    remote_id = observed.record_id if observed else str(body.get("id", ""))
    known = known_secrets(
        way.definition, action.proposed, action.arguments, body, (action.before or {}).get("fields", {})
    )
    done = outcome.kind == "done"
    inverse = inverse_for(action, way.definition, changes, remote_id) if done else None
    ledger = {
        "status": outcome.status,
        "elapsed_ms": outcome.elapsed_ms,
        "detail": mask_inside(outcome.detail, known)[:MOST_SAID],
        "received": _received(way, outcome, shown, known),
        "withheld": list(shown.withheld),
        "masked": list(shown.masked),
        "out_of_scope": shown.out_of_scope,
        "rows_withheld": shown.rows_withheld,
        "changes": mask(changes, known),
        "read_back": observed is not None or seen.gone,
        "verified": _is_verified(way, seen, changes),
        "mismatches": mismatches(changes),
        "remote_id": mask_name(remote_id, known, "id"),
        "link": mask_name(_link(action, way, remote_id), known),
        "inverse": mask(inverse, known),
    }
    columns = {
        "status_code": outcome.status,
        "detail": str(ledger["detail"])[:500],
        "result": {
            "record": shown.value,
            "withheld": list(shown.withheld),
            "masked": list(shown.masked),
            "out_of_scope": shown.out_of_scope,
            "rows_withheld": shown.rows_withheld,
            "remote_id": remote_id,
            "read_back": ledger["read_back"],
            "verified": ledger["verified"],
        },
        "changes": changes,
        "inverse": inverse,
        "finished_at": database_now(),
    }
    return ledger, columns


def _changes(action: Action, way: Reach, seen: Seen) -> list[dict[str, Any]]:
    """What was proposed, with what a second read showed of it."""
    observed = seen.record
    changes = observed_changes(action.changes, _compare(way, action, observed)) if observed else action.changes
    looked = _removes(way.operation) and (seen.gone or observed is not None)
    return after_removal(changes, gone=seen.gone) if looked else changes


def _received(way: Reach, outcome: Outcome, shown: Shown, known: Secrets) -> dict[str, Any]:
    """What came back, for the ledger. What nobody listed is a commitment: systems answer with more than was asked (R-33)."""
    if not way.operation.has_effect:
        return dict(mask(shown.value, known))
    body = dict(outcome.body or {})
    listed = shown.value if outcome.kind == "done" else {name: body[name] for name in PROBLEM if name in body}
    unlisted = {name: Sensitive(value, UNLISTED) for name, value in body.items() if name not in listed}
    return {**mask(listed, known), **unlisted}


def _visible(action: Action, way: Reach, body: Mapping[str, Any]) -> Shown:
    """The answer as this agent's role may read it now: unlisted names withheld, masked ones by kind, out of scope whole."""
    stands = standing(action.requester_id, action.workspace_id, action.agent.policy)
    try:
        document, _ = read_live(stands.live, action.agent.policy)
    except (PolicyMissing, PolicyError):
        return Shown({}, tuple(sorted(body)))  # The effect is done and must be recorded; nothing of it is shown.
    # Whatever a scope looks at beside the record: as it was decided, for what was sent.
    principals = values(
        engine_request(
            agent=action.agent, requester=action.requester, tool=action.tool_name, definition=way.definition,
            arguments=action.arguments, record=None, now=replace(stands.now, tripped=frozenset()),
        )
    )  # fmt: skip
    resource_type, rows_at = way.definition.resource_type, way.definition.rows_at
    if rows_at:
        role = action.agent.role
        return visible_rows(document, role, resource_type, body, at=rows_at, principals=principals)
    return visible(document, action.agent.role, resource_type, body, principals=principals)


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
