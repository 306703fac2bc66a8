"""Ledger verbs as data: every entry type that may be written, with the words a person reads for it."""

LABELS: dict[str, str] = {
    "trace.opened": "Trace opened",
    "trace.refused": "Request refused",
    "trace.answered": "A reader said whether this answered the question",
    "plan.submitted": "Plan submitted",
    "plan.stopped": "Plan stopped",
    "plan.resumed": "Plan resumed from the step that stopped",
    "bulk.continued": "A person looked at the first ones and let the rest run",
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
    "action.reconcile_started": "Remit began to find out what happened",
    "action.reconcile_undecided": "It could not be found out yet",
    "action.reconciled": "Remit found out what happened",
    "action.needs_human": "A person must find out what happened",
    "action.attested": "A person said what happened, with evidence",
    "action.attestation_declined": "A second person did not agree",
    "action.attestation_confirmed": "A second person agreed",
    "action.held": "Held by a pause before anything was sent",
    "action.replanned": "Asked for again after it went out of date",
    "approval.requested": "Approval requested",
    "approval.verdict_recorded": "Verdict recorded",
    "approval.reminded": "Reminded, nobody had decided",
    "approval.escalated": "More people may decide, nobody had",
    "approval.break_glass": "Run in an emergency, without the rest",
    "approval.glass_reviewed": "The review of an emergency was written",
    "approval.glass_confirmed": "The review of an emergency was confirmed",
    "approval.settled": "Approval settled",
    "approval.stale": "Approval went out of date",
    "credential.minted": "Credential minted",
    "credential.revoked": "Credential revoked",
    "credential.expired": "Credential expired by itself",
    "rollback.requested": "Rollback requested",
    "rollback.finished": "Rollback finished",
    "rollback.stopped": "Rollback stopped before everything was undone",
    "policy.evaluated": "Asked what policy would decide",
    "policy.draft_opened": "Policy draft opened",
    "policy.draft_discarded": "Policy draft discarded",
    "policy.proposed": "Publication asked for",
    "policy.agreed": "Publication agreed to by a second policy admin",
    "policy.declined": "Publication declined",
    "policy.scheduled": "Publication scheduled",
    "policy.published": "Policy version published",
    "policy.not_published": "Policy version not published",
    "policy.shadow_started": "Shadow version started",
    "policy.shadow_stopped": "Shadow version stopped",
    "trace.redacted": "Withheld values dropped; the records and their proof stay",
    "subject.erased": "A person's values erased",
    "retention.applied": "Values older than the retention dropped",
    "archive.made": "A month left as a signed bundle",
    "signing_key.rotated": "Ledger signing key rotated",
    "breaker.tripped": "Circuit breaker tripped",
    "breaker.reset": "Circuit breaker reset by a person",
    "epoch.began": "The database was replaced; what may have started is found out first",
    "witness.forgotten": "A witness was moved aside by an operator",
    "pause.set": "Paused by a person",
    "pause.released": "Pause released by a person",
    "connection.saved": "Connection made or changed",
    "connection.resealed": "Connection secrets sealed with a new key",
    "channel.saved": "Notice channel made or changed",
    "channel.paused": "Notice channel paused",
    "channel.resumed": "Notice channel resumed",
    "channel.removed": "Notice channel removed and its secrets destroyed",
    "channel.tested": "Test notice asked for",
    "channel.secret_rotated": "Signing secret of a notice channel replaced",
    "delivery.sent_again": "Undelivered notice sent again by a person",
    "egress.allowed": "Host added to the egress list",
    "egress.removed": "Host removed from the egress list",
}
# Entries that people may have to be told of: each leaves a row for the notices clock in its own transaction.
TOLD = frozenset(
    {
        "approval.requested", "approval.verdict_recorded", "approval.reminded", "approval.escalated", "approval.break_glass",
        "approval.glass_reviewed", "approval.glass_confirmed", "approval.settled", "action.unknown", "action.needs_human",
        "action.blocked", "rollback.finished", "breaker.tripped", "breaker.reset", "pause.set", "pause.released",
        "policy.proposed", "policy.published", "policy.not_published",
    }
)  # fmt: skip


class UnknownEntryType(LookupError):
    """An entry type that is not registered here."""


def label(entry_type: str) -> str:
    """The words for a type. Raises UnknownEntryType, so a verb cannot be written without its words."""
    try:
        return LABELS[entry_type]
    except KeyError as error:
        raise UnknownEntryType(f"{entry_type} is not a ledger verb. Register it in traces.entry_types.") from error
