"""Whether what people decided still stands at the instant of dispatch (P4, R-24). Any doubt is a sentence, and blocks."""

from accounts.humans import accounts_of
from approvals.algebra import Vote, approved, may_decide
from approvals.break_glass import why_not
from approvals.models import ApprovalRequest, BreakGlass, Verdict
from approvals.people import Person, person_in

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
    for verdict in request.verdicts.filter(void=False, choice=Verdict.Choice.APPROVE).select_related("user"):
        if not _stands(request, verdict, person_in(verdict.user, request.workspace)):
            return f"{verdict.user.name} may no longer approve this."
        votes.append(Vote(verdict.step, accounts_of(verdict.user)))
    return "" if approved(request.steps, votes) else "Fewer people approved this than its steps ask for."


def _stands(request: ApprovalRequest, verdict: Verdict, who: Person) -> bool:
    if not verdict.user.is_active or verdict.digest != request.digest or who.refused_in(request.excluded):
        return False
    if request.kind == ApprovalRequest.Kind.DRAFT and verdict.user_id == request.requester_id:
        return True
    return who.decides and may_decide(request.steps[verdict.step - 1], who.approver, request.created_at)
