"""Who may decide now: named or in a group, time of joining, separation of duties (R-24). Used by the page and by the service."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Delegation, SingleOperator, User
from approvals.algebra import Step, may_decide
from approvals.models import ApprovalRequest, BreakGlass, capacity_of
from approvals.people import Person, StandIn, person_in


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a person may decide now, and which steps; `reason` is the sentence shown to them when not.

    With `delegation` they decide for somebody who is away, and not by their own right; with `single` separation of duties
    keeps them from it, and they decide because they are the only one there is.
    """

    may_decide: bool
    reason: str = ""
    steps: tuple[Step, ...] = ()
    delegation: Delegation | None = None
    single: SingleOperator | None = None

    @property
    def capacity(self) -> dict[str, str]:
        """By what right beside their own, as a statement says it."""
        return capacity_of(self.delegation, self.single)


def eligibility(user: User, request: ApprovalRequest, person: Person | None = None) -> Eligibility:
    """Which of the steps that wait `user` may decide. Any doubt is a no.

    `person` is `user` read already, where many requests are asked about.
    """
    who = person or person_in(user, request.workspace)
    for rule in (_settled, _with_agent, _excluded, _already_decided):
        reason = rule(who, request)
        if reason:
            return Eligibility(False, reason)
    return _entitled(who, request)


def _settled(who: Person, request: ApprovalRequest) -> str:
    return settled_sentence(request)


def settled_sentence(request: ApprovalRequest) -> str:
    """Who decided it and when; of what nobody decided, such as an expiry, only when. "" while it is open."""
    if request.is_open:
        return ""
    at = f" at {request.settled_at:%H:%M:%S} UTC" if request.settled_at else ""
    by = _settled_by(request)
    return (
        f"Already {request.state_words} by {by}{at}." if by else f"This request was already {request.state_words}{at}."
    )


def _settled_by(request: ApprovalRequest) -> str:
    if request.state == ApprovalRequest.State.BREAK_GLASS:
        return str(BreakGlass.objects.filter(request=request).values_list("user__name", flat=True).first() or "")
    decided = request.state in {ApprovalRequest.State.APPROVED, ApprovalRequest.State.REJECTED}
    last = request.verdicts.filter(void=False).select_related("user").last() if decided else None
    return last.who if last else ""


def _with_agent(who: Person, request: ApprovalRequest) -> str:
    if not request.is_with_agent:
        return ""
    asker = request.question.user.name
    return f"{asker} asked the agent for changes. Its answer comes as a new request; without one this is denied when it is due."


def _excluded(who: Person, request: ApprovalRequest) -> str:
    """INVARIANT: a mode turned on after a request was asked lifts nothing of it, as a group joined after it does not (R-24).

    Held by tests/approvals/test_single_operator.py.
    """
    early = who.single is not None and who.single.started_at <= request.created_at
    return "" if early else who.refused_in(request.excluded)


def _already_decided(who: Person, request: ApprovalRequest) -> str:
    """One human once, also where somebody stood in for them: the two of them count as one (R-24)."""
    accounts = who.approver.accounts
    mine = next((verdict for verdict in request.counted if not accounts.isdisjoint(verdict.humans)), None)
    if mine is None:
        return ""
    by = "You" if mine.user_id in accounts else f"{mine.user.name}, for you,"
    return f"{by} {_past(mine.choice)} step {mine.step}. Waiting for {_names(request.waiting)}."


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
    alone = who.single if who.refused_in(request.excluded) else None
    if mine:
        return Eligibility(True, steps=mine, single=alone)
    for away in () if alone else who.stands_for:
        theirs = _standing_in(away, request, waiting)
        if theirs:
            return Eligibility(True, steps=theirs, delegation=away.delegation)
    return Eligibility(False, _not_mine(who, waiting))


def _standing_in(away: StandIn, request: ApprovalRequest, waiting: Sequence[Step]) -> tuple[Step, ...]:
    """The steps a person who is away could decide now: never one that they could not.

    INVARIANT: a delegation made after a request was asked does not count for it, as a group joined after it does not. Held
    by tests/approvals/test_delegations.py.
    """
    late = away.delegation.created_at > request.created_at
    if late or not away.person.decides or _excluded(away.person, request) or _already_decided(away.person, request):
        return ()
    return tuple(step for step in waiting if may_decide(step, away.person.approver, request.created_at))


def _not_mine(who: Person, waiting: Sequence[Step]) -> str:
    late = next((step for step in waiting if step.groups & who.approver.groups.keys()), None)
    gained = next(
        (step for step in waiting if step.attributes and step.attributes <= who.approver.attributes.keys()), None
    )
    if late is None and gained is not None:
        return (
            f"What lets you decide {gained.name} was said of you after this was proposed, so someone else decides it."
        )
    if late is not None:
        return f"You joined {late.name} after this was proposed, so someone else decides it."
    numbers = " and ".join(str(step.number) for step in waiting)
    return f"Step{'s' if len(waiting) > 1 else ''} {numbers} {'are' if len(waiting) > 1 else 'is'} decided by {_names(waiting)}."
