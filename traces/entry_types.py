"""Ledger verbs as data: every entry type that may be written, with the words a person reads for it."""

LABELS: dict[str, str] = {
    "trace.opened": "Trace opened",
    "trace.refused": "Request refused",
    "trace.answered": "A reader said whether this answered the question",
    "plan.submitted": "Plan submitted",
    "plan.stopped": "Plan stopped",
    "action.proposed": "Action proposed",
    "action.decided": "Policy decided",
    "action.edited": "Payload edited by a person",
    "action.authorized": "Action authorized",
    "action.cancelled": "Action cancelled",
    "action.claimed": "Worker claimed the action",
    "action.requeued": "Lease ran out, action returned to the queue",
    "action.blocked": "Blocked by the check before dispatch",
    "action.dispatching": "Request about to leave",
    "action.succeeded": "Action succeeded and was read back",
    "action.failed": "Action failed without effect",
    "action.unknown": "Outcome unknown",
    "action.rejected": "Action rejected",
    "action.expired": "Action expired",
    "action.stale": "Approval no longer matches",
    "approval.requested": "Approval requested",
    "approval.verdict_recorded": "Verdict recorded",
    "approval.settled": "Approval settled",
    "credential.minted": "Credential minted",
    "credential.revoked": "Credential revoked",
    "rollback.requested": "Rollback requested",
    "rollback.finished": "Rollback finished",
}


class UnknownEntryType(LookupError):
    """An entry type that is not registered here."""


def label(entry_type: str) -> str:
    """The words for a type. Raises UnknownEntryType, so a verb cannot be written without its words."""
    try:
        return LABELS[entry_type]
    except KeyError as error:
        raise UnknownEntryType(f"{entry_type} is not a ledger verb. Register it in traces.entry_types.") from error
