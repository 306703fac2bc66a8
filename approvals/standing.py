"""Whether what people decided still stands at the instant of dispatch (P4, R-24). Any doubt is a sentence, and blocks."""

from accounts.humans import accounts_of
from accounts.models import Delegation
from approvals.algebra import Vote, approved, may_decide
from approvals.break_glass import why_not
from approvals.capacity import lifted
from approvals.models import ApprovalRequest, BreakGlass, Verdict
from approvals.people import Person, person_in, themself

State = ApprovalRequest.State


def no_longer(request: ApprovalRequest, digest: str) -> str:
    """Why the request no longer lets `digest` run; "" where it does. Its expiry is the caller's to judge."""
    if request.digest != digest:
        return "The approval is not of what would run."
    if request.state == State.BREAK_GLASS:
        return _broken(request, digest)
    return _votes(request) if request.state == State.APPROVED else "The approval is not of what would run."


def _broken(request: ApprovalRequest, digest: str) -> str:
    """An emergency is held to whom it was let through by, and to the bytes that person saw."""
    broken = BreakGlass.objects.select_related("user").filter(request=request).first()
    if broken is None or broken.digest != digest:
        return "Nobody let these bytes run in an emergency."
    if not broken.user.is_active or why_not(request, person_in(broken.user, request.workspace)):
        return f"{broken.user.name} may no longer run this without the rest."
    return ""


def _votes(request: ApprovalRequest) -> str:
    votes = []
    given = request.verdicts.filter(void=False, choice=Verdict.Choice.APPROVE)
    for verdict in given.select_related("user", "delegation__person"):
        if not _stands(request, verdict, themself(verdict.user, request.workspace)):
            return f"{verdict.who} may no longer approve this."
        away = accounts_of(verdict.delegation.person) if verdict.delegation else frozenset[str]()
        votes.append(Vote(verdict.step, accounts_of(verdict.user) | away))
    return "" if approved(request.steps, votes) else "Fewer people approved this than its steps ask for."


def _stands(request: ApprovalRequest, verdict: Verdict, who: Person) -> bool:
    if not verdict.user.is_active or verdict.digest != request.digest:
        return False
    if who.refused_in(request.excluded) and not lifted(request, verdict):
        return False
    if request.kind == ApprovalRequest.Kind.DRAFT and verdict.user_id == request.requester_id:
        return True
    about = next((step for step in request.steps if step.number == verdict.step), None)
    right = who if verdict.delegation is None else _delegator(request, verdict.delegation)
    if about is None or right is None or not who.decides or not right.decides:
        return False
    return may_decide(about, right.approver, request.created_at)


def _delegator(request: ApprovalRequest, delegation: Delegation) -> Person | None:
    """Whose right a stand-in used, while it counts: an absence that ended since does not void it, taking it back does."""
    person = themself(delegation.person, request.workspace)
    return None if delegation.revoked_at or person.refused_in(request.excluded) else person
