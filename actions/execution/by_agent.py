"""What an agent does itself: decided and re-checked like anything else, then handed over, then reported (architecture 7).

INVARIANT: what stands here is the agent's word. It is marked as reported, not witnessed, in the ledger, on every page and in
every export, and silence is never success. Held by tests/actions/test_reported.py.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from actions.execution import recheck
from actions.execution.finish import doubt_columns, write_outcome
from actions.execution.reach import Reach, reach
from actions.machine import StateConflict, move
from actions.models import Action
from actions.record import secrets_in
from actions.redaction import mask, mask_inside
from actions.reversal import inverse_for
from actions.states import State
from traces.canonical import instant
from traces.models import Trace

OUTCOMES = {"succeeded": State.SUCCEEDED, "failed": State.FAILED, "unknown": State.UNKNOWN}
REPORTABLE = (State.DISPATCHING, State.UNKNOWN)
NOBODY_TO_ASK = "Only the agent does this, and a person's own action cannot be handed to it."


class ReportRefused(Exception):
    """The report was not taken; nothing was changed. The message says why."""


def hand_over(actor: Actor, action: Action, way: Reach) -> recheck.Finding | None:
    """Let the agent do it: from now on it may have happened. What no longer holds is returned, and Held raised; then not.

    The last look is in the transaction of the handing over, under the chain's lock (P4, P9, R-26).
    """
    if action.acting_user_id is not None:
        return recheck.Finding(NOBODY_TO_ASK)
    assert way.operation.report_s is not None  # Asked by the caller: the agent does it itself.
    until = database_now() + timedelta(seconds=way.operation.report_s)
    sent = mask(action.arguments, secrets_in(action))
    body = {"fence": action.fence, "sent": sent, "digest": action.digest, "report_by": instant(until)}
    with transaction.atomic():
        Trace.objects.select_for_update(of=("self",)).get(pk=action.trace_id)
        found = recheck.last_look(action, way)
        if found is None:
            move(
                actor=actor, action=action, to=State.DISPATCHING, entry="action.handed_over", body=body,
                dispatched_at=database_now(), sent_to=action.goes_to, lease_until=until,
            )  # fmt: skip
    return found


def record_report(
    *,
    actor: Actor,
    action: Action,
    outcome: str,
    result: Mapping[str, Any],
    detail: str,
    remember: Callable[[str], None],
) -> None:
    """Take the agent's word for how it ended: `succeeded`, `failed` (without effect) or `unknown`. Raises ReportRefused.

    A report after the time for it counts while nobody else has begun to find out. `remember` is called with the action's id
    inside the recording transaction.
    """
    definition = action.definition
    if definition is None or not definition.by_agent or action.tool is None:
        raise ReportRefused("Remit does this itself, so it takes no report of it. Ask for the action instead.")
    if action.state not in REPORTABLE:
        raise ReportRefused(
            f"This action is {action.state}. Only one that was handed to you can be reported, and once."
        )
    to, way = OUTCOMES[outcome], reach(action.tool, action.redact)
    body, columns = _told(action, outcome, result, detail)
    if to is State.UNKNOWN:
        if action.state == State.UNKNOWN:
            raise ReportRefused("That its outcome is unknown is known already. Report it when you know how it ended.")
        columns |= doubt_columns(way.operation, str(body["detail"]))
    try:
        with transaction.atomic():
            write_outcome(actor, action, to, "action.reported", body, columns)
            remember(action.pk)
    except StateConflict as error:
        raise ReportRefused(
            "Somebody else reported or began to find out at the same time. Ask for the action."
        ) from error


def _told(
    action: Action, outcome: str, result: Mapping[str, Any], detail: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ledger body and the columns of a report."""
    definition = action.definition
    assert definition is not None and action.dispatched_at is not None  # Asked by the caller.
    now, known = database_now(), secrets_in(action, result)
    detail = mask_inside(detail, known)  # It may repeat a value of the result.
    done = outcome == "succeeded"
    inverse = inverse_for(action, definition, action.changes) if done else None
    body = {
        "outcome": outcome,
        "witnessed": False,
        "late": action.state == State.UNKNOWN,
        "status": None,
        "elapsed_ms": int((now - action.dispatched_at).total_seconds() * 1000),
        "detail": detail,
        "received": mask(dict(result), known),
        "changes": mask(action.changes, known),
        "inverse": mask(inverse, known),
    }
    columns = {
        "detail": detail[:500],
        "result": {"record": dict(result), "witnessed": False, "verified": False},
        "inverse": inverse,
        "finished_at": now,
        "reconcile_at": None,
        "lease_until": None,
    }
    return body, columns
