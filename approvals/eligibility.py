"""Who may decide now: named or in a group, time of joining, separation of duties (R-24). Used by the page and by the service."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from approvals.algebra import Step, may_decide
from approvals.models import ApprovalRequest
from approvals.people import Person, person_in


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a person may decide now, and which steps; `reason` is the sentence shown to them when not."""

    may_decide: bool
    reason: str = ""
    steps: tuple[Step, ...] = ()


def eligibility(user: User, request: ApprovalRequest, person: Person | None = None) -> Eligibility:
    """Which of the steps that wait `user` may decide. Any doubt is a no.

    `person` is `user` read already, where many requests are asked about.
    """
    who = person or person_in(user, request.workspace)
    for rule in (_settled, _excluded, _already_decided):
        reason = rule(who, request)
        if reason:
            return Eligibility(False, reason)
    return _entitled(who, request)


def _settled(who: Person, request: ApprovalRequest) -> str:
    return "" if request.is_open else f"This request was {request.state_words}."


def _excluded(who: Person, request: ApprovalRequest) -> str:
    return who.refused_in(request.excluded)


def _already_decided(who: Person, request: ApprovalRequest) -> str:
    mine = next((verdict for verdict in request.counted if verdict.user_id in who.approver.accounts), None)
    if mine is None:
        return ""
    return f"You {_past(mine.choice)} step {mine.step}. Waiting for {_names(request.waiting)}."


def _past(choice: str) -> str:
    return {"approve": "approved", "reject": "rejected"}[choice]


def _names(steps: Sequence[Step]) -> str:
    return " and ".join(step.name for step in steps)


def _entitled(who: Person, request: ApprovalRequest) -> Eligibility:
    waiting = request.waiting
    if request.kind == ApprovalRequest.Kind.DRAFT and who.user.pk == request.requester_id:
        return Eligibility(True, steps=waiting)
    if not who.decides:
        return Eligibility(False, "Deciding needs the Reviewer role. A workspace owner can grant it.")
    mine = tuple(step for step in waiting if may_decide(step, who.approver, request.created_at))
    return Eligibility(True, steps=mine) if mine else Eligibility(False, _not_mine(who, waiting))


def _not_mine(who: Person, waiting: Sequence[Step]) -> str:
    late = next((step for step in waiting if step.groups & who.approver.groups.keys()), None)
    if late is not None:
        return f"You joined {late.name} after this was proposed, so someone else decides it."
    numbers = " and ".join(str(step.number) for step in waiting)
    return f"Step{'s' if len(waiting) > 1 else ''} {numbers} {'are' if len(waiting) > 1 else 'is'} decided by {_names(waiting)}."
