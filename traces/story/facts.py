"""Folds ledger records into facts about a trace and its actions. Pure: records in, values out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from traces.canonical import parse_instant

Record = Mapping[str, Any]


@dataclass(slots=True)
class ActionFacts:
    """What the ledger says of one tool call."""

    id: str
    step: int
    title: str
    tool: Mapping[str, Any]
    words: Mapping[str, str]
    target: Mapping[str, Any] | None
    proposed_at: datetime
    state: str = "proposed"
    decision: Mapping[str, Any] = field(default_factory=dict)
    changes: list[Mapping[str, Any]] = field(default_factory=list)
    edits: Mapping[str, Any] = field(default_factory=dict)
    editor: str = ""
    approval: Mapping[str, Any] | None = None
    approval_state: str = ""
    asked_at: datetime | None = None
    settled_at: datetime | None = None
    verdicts: list[Mapping[str, Any]] = field(default_factory=list)
    # Reminders and escalations, in time order.
    timers: list[Mapping[str, Any]] = field(default_factory=list)
    # What a reviewer asked the agent to change, and the action that answered.
    question: Mapping[str, Any] | None = None
    # Who ran it without the people still asked, and what came of the review.
    broken: Mapping[str, Any] | None = None
    credential: Mapping[str, Any] | None = None
    credential_revoked: bool | None = None
    sent: Mapping[str, Any] | None = None
    sent_at: datetime | None = None
    receipt: Mapping[str, Any] | None = None
    ended_at: datetime | None = None
    detail: str = ""
    # The agent does it itself: what is told of it is its word.
    by_agent: bool = False
    # What was done to find out about an unclear outcome, and by whom.
    found_out: list[Mapping[str, Any]] = field(default_factory=list)
    # What was not as approved when it was about to run.
    moved: list[Mapping[str, Any]] = field(default_factory=list)
    rollback: str = ""
    # What would take it back, as recorded when it succeeded; empty in older records and for reads.
    inverse: Mapping[str, Any] = field(default_factory=dict)
    # The action this one asks for again, and the one that asked for this one again.
    again_of: str = ""
    again: str = ""

    @property
    def succeeded(self) -> bool:
        return self.state in {"succeeded", "succeeded_attested"}

    @property
    def read_back(self) -> bool:
        """Whether what it changed was looked at by a second read. Older receipts say only whether all was as sent."""
        receipt = self.receipt or {}
        return bool(receipt.get("read_back", receipt.get("verified") or receipt.get("mismatches")))

    @property
    def checks(self) -> list[Mapping[str, Any]]:
        return list(self.decision.get("checks", ()))

    @property
    def effect_class(self) -> str:
        return str(self.tool.get("effect_class", ""))

    @property
    def waited_s(self) -> float:
        """Seconds between asking people and their last verdict; 0 while nobody was asked or all still wait."""
        if self.asked_at is None or self.settled_at is None:
            return 0.0
        return (self.settled_at - self.asked_at).total_seconds()


@dataclass(slots=True)
class PlanFacts:
    """What the ledger says of one plan: how it was submitted, where it stopped, which plan went on from there."""

    id: str
    resumes: str
    stopped: Mapping[str, Any] | None = None
    resumed_as: str = ""


@dataclass(slots=True)
class TraceFacts:
    """What the ledger says of one trace."""

    opened_at: datetime
    last_at: datetime
    opened: Mapping[str, Any] = field(default_factory=dict)
    opened_by: Mapping[str, Any] = field(default_factory=dict)
    plans: dict[str, PlanFacts] = field(default_factory=dict)
    actions: dict[str, ActionFacts] = field(default_factory=dict)
    refused: list[Mapping[str, Any]] = field(default_factory=list)
    # What was asked here and had been asked before: which action was joined, and how it stood then.
    joins: list[Mapping[str, Any]] = field(default_factory=list)
    rollbacks: list[Mapping[str, Any]] = field(default_factory=list)
    # Of a trace that undoes another: why it ended before everything was undone.
    undo_stopped: str = ""
    answered: list[Mapping[str, Any]] = field(default_factory=list)
    # Acts that dropped values of this trace.
    redactions: list[Mapping[str, Any]] = field(default_factory=list)
    # Worked out once, after the fold: a page asks for them many times.
    ordered: list[ActionFacts] = field(default_factory=list)
    checked: list[dict[str, Any]] | None = None

    @property
    def in_order(self) -> list[ActionFacts]:
        if len(self.ordered) != len(self.actions):
            self.ordered = sorted(self.actions.values(), key=lambda action: (action.step, action.id))
        return self.ordered

    @property
    def standing(self) -> list[ActionFacts]:
        """Those that stand for themselves: what was asked for again is told by its successor."""
        return [action for action in self.in_order if not action.again]

    @property
    def joined_elsewhere(self) -> list[Mapping[str, Any]]:
        """Of each action of another trace that was joined, how it stood when it was asked for last."""
        last = {str(join["joined"]["action"]): join for join in self.joins}
        return [join for action, join in last.items() if action not in self.actions]


# What people do about a finished trace is not part of how long it took.
_AFTERWARDS = frozenset(
    {
        "trace.answered", "trace.redacted", "trace.link_issued", "trace.link_revoked", "trace.revealed",
        "approval.glass_reviewed", "approval.glass_confirmed", "rollback.requested", "rollback.finished",
    }
)  # fmt: skip


def fold(records: Iterable[Record]) -> TraceFacts:
    """Facts from records in sequence order. Unknown record types change nothing but the last time."""
    facts: TraceFacts | None = None
    for record in records:
        at = parse_instant(record["at"])
        facts = facts or TraceFacts(opened_at=at, last_at=at)
        facts.last_at = facts.last_at if _is_afterwards(record["type"], facts) else at
        handler = _HANDLERS.get(record["type"])
        if handler is not None:
            handler(facts, record, at)
    if facts is None:
        raise ValueError("A trace has at least its opening record.")
    return facts


def _is_afterwards(type_: str, facts: TraceFacts) -> bool:
    """Asking again for what is there already is no more work on it."""
    return type_ in _AFTERWARDS or (type_ == "action.joined" and bool(facts.actions))


def _opened(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.opened, facts.opened_by = record["body"], record["actor"]


def _plan(facts: TraceFacts, record: Record, at: datetime) -> None:
    body = record["body"]
    facts.plans[body["plan"]] = PlanFacts(body["plan"], str(body.get("resumes") or ""))


def _plan_stopped(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.plans[record["body"]["plan"]].stopped = record["body"]


def _plan_resumed(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.plans[record["body"]["plan"]].resumed_as = record["body"]["again"]


def _refused(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.refused.append({**record["body"], "at": at})


def _joined(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.joins.append({**record["body"], "at": at})


def _rollback_requested(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.rollbacks.append({**record["body"], "at": at, "actor": record["actor"]})


def _rollback_stopped(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.undo_stopped = str(record["body"]["detail"])


def _answered(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.answered.append({**record["body"], "at": at, "actor": record["actor"]})


def _redacted(facts: TraceFacts, record: Record, at: datetime) -> None:
    facts.redactions.append({**record["body"], "at": at, "actor": record["actor"]})


def _proposed(facts: TraceFacts, record: Record, at: datetime) -> None:
    body = record["body"]
    facts.actions[body["action"]] = ActionFacts(
        id=body["action"],
        step=body["step"],
        title=body["title"],
        tool=body["tool"],
        words=body["words"],
        target=body["target"],
        proposed_at=at,
        again_of=str(body.get("replan_of") or ""),
    )
    before = facts.actions.get(str(body.get("replan_of") or ""))
    if before is not None:
        before.again = body["action"]


def _on_action(
    update: Callable[[ActionFacts, Record, datetime], None],
) -> Callable[[TraceFacts, Record, datetime], None]:
    """A handler that finds the record's action, follows its state, and lets `update` read the rest."""

    def handle(facts: TraceFacts, record: Record, at: datetime) -> None:
        action = facts.actions.get(record["body"].get("action", ""))
        if action is None:
            return
        action.state = record["body"].get("to", action.state)
        update(action, record, at)

    return handle


def _decided(action: ActionFacts, record: Record, at: datetime) -> None:
    body = record["body"]
    action.decision, action.changes, action.words = body["decision"], list(body["changes"]), body["words"]
    if action.state == "denied":
        action.ended_at, action.detail = at, action.decision.get("reason", "")


def _edited(action: ActionFacts, record: Record, at: datetime) -> None:
    body = record["body"]
    action.edits, action.editor = body["edits"], record["actor"]["name"]
    action.words, action.changes, action.decision = body["words"], list(body["changes"]), body["decision"]


def _asked(action: ActionFacts, record: Record, at: datetime) -> None:
    action.approval, action.approval_state, action.asked_at = record["body"], "open", at


def _verdict(action: ActionFacts, record: Record, at: datetime) -> None:
    action.verdicts.append({**record["body"], "at": at, "who": record["actor"]})


def _timer(action: ActionFacts, record: Record, at: datetime) -> None:
    action.timers.append({**record["body"], "at": at})


def _changes_asked(action: ActionFacts, record: Record, at: datetime) -> None:
    action.question = {**record["body"], "at": at, "who": record["actor"]}


def _changes_answered(action: ActionFacts, record: Record, at: datetime) -> None:
    action.question = {**(action.question or {}), "answered_at": at, "again": record["body"]["again"]}


def _answer_denied(action: ActionFacts, record: Record, at: datetime) -> None:
    question = action.question or {}
    action.question = {**question, "denied": [*question.get("denied", ()), {**record["body"], "at": at}]}


def _broken(action: ActionFacts, record: Record, at: datetime) -> None:
    action.broken = {**record["body"], "at": at, "who": record["actor"]}


def _glass_confirmed(action: ActionFacts, record: Record, at: datetime) -> None:
    action.broken = {**(action.broken or {}), "finding": record["body"]["finding"], "confirmed_by": record["actor"]}


def _settled(action: ActionFacts, record: Record, at: datetime) -> None:
    action.approval_state, action.settled_at = record["body"]["state"], at


def _gone_stale(action: ActionFacts, record: Record, at: datetime) -> None:
    action.approval_state = "stale"


def _minted(action: ActionFacts, record: Record, at: datetime) -> None:
    if record["body"].get("purpose", "attempt") != "attempt":
        return  # Of finding out; the call is told with its own.
    action.credential = record["body"]


def _revoked(action: ActionFacts, record: Record, at: datetime) -> None:
    if record["body"]["credential"] != (action.credential or {}).get("credential"):
        return
    action.credential_revoked = record["body"]["confirmed"]


def _dispatching(action: ActionFacts, record: Record, at: datetime) -> None:
    action.sent, action.sent_at = record["body"], at


def _handed_over(action: ActionFacts, record: Record, at: datetime) -> None:
    action.by_agent = True
    _dispatching(action, record, at)


def _ended(action: ActionFacts, record: Record, at: datetime) -> None:
    body = record["body"]
    action.ended_at, action.detail = at, body.get("detail", "")
    action.moved = list(body.get("moved") or ())
    if "status" in body:
        action.receipt = body
    if "changes" in body:
        action.changes = list(body["changes"])
    action.inverse = body.get("inverse") or {}


def _found_out(action: ActionFacts, record: Record, at: datetime) -> None:
    action.detail = str(record["body"].get("detail") or action.detail)
    action.found_out.append({"type": record["type"], "at": at, "who": record["actor"], **record["body"]})


def _reconciled(action: ActionFacts, record: Record, at: datetime) -> None:
    _ended(action, record, at)
    _found_out(action, record, at)


def _attested(action: ActionFacts, record: Record, at: datetime) -> None:
    action.ended_at, action.inverse = at, record["body"].get("inverse") or {}
    _found_out(action, record, at)


def _rolled_back(action: ActionFacts, record: Record, at: datetime) -> None:
    action.rollback = record["body"]["rollback_state"]


def _state_only(action: ActionFacts, record: Record, at: datetime) -> None:
    """The state was followed already; the record has nothing else a page shows."""


_HANDLERS: dict[str, Callable[[TraceFacts, Record, datetime], None]] = {
    "trace.opened": _opened,
    "trace.refused": _refused,
    "trace.answered": _answered,
    "trace.redacted": _redacted,
    "plan.submitted": _plan,
    "plan.stopped": _plan_stopped,
    "plan.resumed": _plan_resumed,
    "rollback.requested": _rollback_requested,
    "rollback.stopped": _rollback_stopped,
    "action.proposed": _proposed,
    "action.joined": _joined,
    "action.decided": _on_action(_decided),
    "action.edited": _on_action(_edited),
    "approval.requested": _on_action(_asked),
    "approval.verdict_recorded": _on_action(_verdict),
    "approval.reminded": _on_action(_timer),
    "approval.escalated": _on_action(_timer),
    "approval.break_glass": _on_action(_broken),
    "approval.glass_reviewed": _on_action(_state_only),
    "approval.glass_confirmed": _on_action(_glass_confirmed),
    "approval.changes_asked": _on_action(_changes_asked),
    "approval.changes_answered": _on_action(_changes_answered),
    "approval.answer_denied": _on_action(_answer_denied),
    "approval.settled": _on_action(_settled),
    "approval.stale": _on_action(_gone_stale),
    "credential.minted": _on_action(_minted),
    "credential.revoked": _on_action(_revoked),
    "action.authorized": _on_action(_state_only),
    "action.claimed": _on_action(_state_only),
    "action.requeued": _on_action(_state_only),
    "action.dispatching": _on_action(_dispatching),
    "action.handed_over": _on_action(_handed_over),
    "action.reported": _on_action(_ended),
    "action.held": _on_action(_state_only),
    "action.reconcile_started": _on_action(_found_out),
    "action.reconcile_undecided": _on_action(_found_out),
    "action.needs_human": _on_action(_found_out),
    "action.attested": _on_action(_found_out),
    "action.attestation_declined": _on_action(_found_out),
    "action.reconciled": _on_action(_reconciled),
    "action.attestation_confirmed": _on_action(_attested),
    "action.succeeded": _on_action(_ended),
    "action.failed": _on_action(_ended),
    "action.unknown": _on_action(_ended),
    "action.blocked": _on_action(_ended),
    "action.cancelled": _on_action(_ended),
    "action.rejected": _on_action(_ended),
    "action.expired": _on_action(_ended),
    "action.stale": _on_action(_ended),
    "rollback.finished": _on_action(_rolled_back),
}
