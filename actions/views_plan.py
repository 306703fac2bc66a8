"""One plan: its steps as they stand, deciding several at once, letting a bulk step run on, trying it again after a stop."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Forbidden, NotVisible
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.permissions import Permission
from actions.access import get_plan_for
from actions.bulk import ContinueRefused, continue_bulk, groups_of
from actions.models import Action, Plan
from actions.plan_page import CHOICES, decided_as_one, decided_here, group_digest, plan_page, requests_of
from actions.resume import ResumeRefused, may_resume, resume
from approvals.batch import UNSURE, refuse_unproven_together
from approvals.fatigue import note_shown, pace
from approvals.models import ApprovalRequest
from approvals.people import person_in
from approvals.refusals import StepUpNeeded, VerdictRefused
from approvals.services import record_verdict
from approvals.statement import Proof
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up, proof_of

DID = {"approve": "approved", "reject": "rejected"}


@sign_in_required
@require_GET
def plan_(request: AuthenticatedRequest, plan_id: str) -> HttpResponse:
    """Every step with its state; a reviewer decides each."""
    return _page(request, get_plan_for(request.user, plan_id))


def _page(request: AuthenticatedRequest, plan: Plan, *, status: int = 200) -> HttpResponse:
    request.show_workspace(plan.trace.workspace)
    page = plan_page(request.user, plan)
    note_shown(page.shown, request.user)
    context: dict[str, Any] = {
        "plan": plan,
        "page": page,
        "pace": pace(request.user, plan.trace.workspace_id).sentence if page.shown else "",
        "choices": CHOICES,
        "again": getattr(plan, "resumed_as", None),
    }
    return render(request, "actions/plan_detail.html", context, status=status)


@sign_in_required
@require_POST
@step_up_first
def decide(request: AuthenticatedRequest, plan_id: str) -> HttpResponse:
    """Record this person's verdicts, one request at a time, in the order of the steps; what failed is told step by step.

    Approvals that lack a step-up are kept until there is one, with all that was chosen beside them (V7.5.3).
    """
    plan = get_plan_for(request.user, plan_id)
    chosen = [*_chosen_alone(request, plan), *_chosen_groups(request, plan)]
    proof = proof_of(fresh_step_up(here(request)))
    _refuse_unproven(request, chosen, proof)
    told: Counter[str] = Counter()
    for found, verdict in chosen:
        problem = _decide_one(request, found, verdict, proof, together=len(chosen))
        if problem:
            messages.error(request, f"{found.title}: {problem}")
        else:
            told[DID[verdict.choice]] += 1
    if told:
        messages.success(request, f"{', '.join(f'{count} {word}' for word, count in told.items())}.".capitalize())
    if not chosen:
        messages.error(request, "Choose what to do with at least one step.")
    return redirect("actions:plan", plan.pk)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A verdict as the form sent it."""

    choice: str
    reason: str
    digest: str


def _refuse_unproven(
    request: AuthenticatedRequest, chosen: list[tuple[ApprovalRequest, Chosen]], proof: Proof | None
) -> None:
    """Raises StepUpMissing before anything is recorded."""
    approved = [
        found
        for found, verdict in chosen
        if verdict.choice == "approve" and decided_here(person_in(request.user, found.workspace), found)
    ]
    try:
        refuse_unproven_together(request.user, approved, proof)
    except StepUpNeeded as error:
        raise StepUpMissing(str(error)) from error


def _chosen_alone(request: AuthenticatedRequest, plan: Plan) -> list[tuple[ApprovalRequest, Chosen]]:
    found = [one for one in requests_of(request.user, plan) if request.POST.get(f"choice-{one.pk}")]
    return [(one, _sent(request, one.pk, _text(request, f"digest-{one.pk}"))) for one in found]


def _chosen_groups(request: AuthenticatedRequest, plan: Plan) -> list[tuple[ApprovalRequest, Chosen]]:
    """Every request of a chosen group of alike items, if the group is still what was shown; else none of it (P4)."""
    requests = {one.action_id: one for one in requests_of(request.user, plan)}
    who = person_in(request.user, plan.trace.workspace)
    found: list[tuple[ApprovalRequest, Chosen]] = []
    items = Action.objects.filter(plan=plan, bulk__isnull=False).select_related("tool__connection")
    for group in groups_of(items.order_by("step")):
        if not request.POST.get(f"choice-{group.key}"):
            continue
        together = decided_as_one(who, group, requests)
        if _text(request, f"digest-{group.key}") != group_digest(together):
            messages.error(request, f"{group.count} alike: something of them changed meanwhile. Nothing was decided.")
            continue
        found += [(one, _sent(request, group.key, one.digest)) for one in together]
    return found


def _decide_one(
    request: AuthenticatedRequest, found: ApprovalRequest, verdict: Chosen, proof: Proof | None, *, together: int
) -> str:
    """Why the verdict was not recorded; "" when it was. An earlier rejection may have closed the request meanwhile."""
    try:
        found.refresh_from_db()
        if found.is_open and not decided_here(person_in(request.user, found.workspace), found):
            return "It is decided on its own page."
        record_verdict(
            actor=actor_for_user(request.user, found.workspace), user=request.user, request_id=found.pk,
            choice=verdict.choice, reason=verdict.reason, digest=verdict.digest, proof=proof, together=together,
        )  # fmt: skip
    except VerdictRefused as error:
        return str(error)
    except OperationalError:  # Of this step alone: what was recorded before it is told, and the rest goes on.
        return UNSURE
    return ""


def _sent(request: HttpRequest, key: str, digest: str) -> Chosen:
    return Chosen(_text(request, f"choice-{key}"), _text(request, f"reason-{key}"), digest)


def _text(request: HttpRequest, name: str) -> str:
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


@sign_in_required
@require_POST
def continue_(request: AuthenticatedRequest, plan_id: str, bulk_id: str) -> HttpResponse:
    """Let the rest of a bulk step run, after a look at the first ones."""
    plan = get_plan_for(request.user, plan_id)
    bulk = plan.bulks.filter(pk=bulk_id).first() if is_id("blk", bulk_id) else None
    if bulk is None:
        raise NotVisible("bulk step")
    try:
        continue_bulk(actor=actor_for_user(request.user, plan.trace.workspace), user=request.user, bulk=bulk)
    except ContinueRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{bulk.size - bulk.canary} more run now, one after another.")
    return redirect("actions:plan", plan.pk)
