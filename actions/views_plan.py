"""One plan: its steps as they stand, deciding several of them at once, and trying it again after it stopped."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Forbidden
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from actions.access import get_plan_for
from actions.models import Plan
from actions.plan_page import CHOICES, decided_here, plan_page, requests_of
from actions.resume import ResumeRefused, may_resume, resume
from approvals.models import ApprovalRequest
from approvals.services import VerdictRefused, record_verdict

DID = {"approve": "approved", "reject": "rejected"}


@sign_in_required
@require_GET
def plan_(request: AuthenticatedRequest, plan_id: str) -> HttpResponse:
    """Every step with its state; a reviewer decides each."""
    return _page(request, get_plan_for(request.user, plan_id))


def _page(request: AuthenticatedRequest, plan: Plan, *, status: int = 200) -> HttpResponse:
    request.show_workspace(plan.trace.workspace)
    context: dict[str, Any] = {
        "plan": plan,
        "page": plan_page(request.user, plan),
        "choices": CHOICES,
        "again": getattr(plan, "resumed_as", None),
    }
    return render(request, "actions/plan_detail.html", context, status=status)


@sign_in_required
@require_POST
def decide(request: AuthenticatedRequest, plan_id: str) -> HttpResponse:
    """Record this person's verdicts, one request at a time, in the order of the steps; what failed is told step by step."""
    plan = get_plan_for(request.user, plan_id)
    chosen = [found for found in requests_of(request.user, plan) if request.POST.get(f"choice-{found.pk}")]
    told: Counter[str] = Counter()
    for found in chosen:
        problem = _decide_one(request, found)
        if problem:
            messages.error(request, f"{found.title}: {problem}")
        else:
            told[DID[request.POST[f"choice-{found.pk}"]]] += 1
    if told:
        messages.success(request, f"{', '.join(f'{count} {word}' for word, count in told.items())}.".capitalize())
    if not chosen:
        messages.error(request, "Choose what to do with at least one step.")
    return redirect("actions:plan", plan.pk)


def _decide_one(request: AuthenticatedRequest, found: ApprovalRequest) -> str:
    """Why the verdict was not recorded; "" when it was. An earlier rejection may have closed the request meanwhile."""
    found.refresh_from_db()
    if found.is_open and not decided_here(request.user, found):
        return "It is decided on its own page."
    try:
        record_verdict(
            actor=actor_for_user(request.user, found.workspace), user=request.user, request_id=found.pk,
            choice=_sent(request, f"choice-{found.pk}"), reason=_sent(request, f"reason-{found.pk}"),
            digest=_sent(request, f"digest-{found.pk}"),
        )  # fmt: skip
    except VerdictRefused as error:
        return str(error)
    return ""


def _sent(request: HttpRequest, name: str) -> str:
    return str(request.POST.get(name, ""))[:2000]


@sign_in_required
@require_POST
def resume_(request: AuthenticatedRequest, plan_id: str) -> HttpResponse:
    """Try the rest of a stopped plan again, as a plan of its own in the same trace."""
    plan = get_plan_for(request.user, plan_id)
    if not may_resume(request.user, plan):
        raise Forbidden(Permission.TRACE_ROLLBACK, plan.trace.workspace)
    try:
        made = resume(actor=actor_for_user(request.user, plan.trace.workspace), plan=plan)
    except ResumeRefused as error:
        messages.error(request, str(error))
        return redirect("actions:plan", plan.pk)
    messages.success(request, "Resumed as a new plan. Policy decided each step as things stand now.")
    return redirect("actions:plan", made.pk)
