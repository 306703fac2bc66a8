"""Review together: one page, one tick a request, one result a request."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from approvals.access import get_request_for
from approvals.batch import Batch, BatchRefused, Result, batch_of, decide_together, summary
from approvals.fatigue import note_shown, pace
from approvals.refusals import StepUpNeeded
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpMissing, fresh_step_up, proof_of

DIGEST = "digest-"


@sign_in_required
@require_http_methods(["GET", "POST"])
@step_up_first
def batch(request: AuthenticatedRequest) -> HttpResponse:
    """The effects, one a line; then what became of each. What lacks a step-up is kept until there is one (V7.5.3)."""
    if request.method == "POST":
        return _decide(request)
    return _page(request, request.GET.getlist("id"))


def _page(
    request: AuthenticatedRequest,
    ids: list[str],
    *,
    ticked: list[str] | None = None,
    problem: str = "",
    reason: str = "",
) -> HttpResponse:
    """`ids` stand on it; `ticked` are those of them that are ticked, which is all of them unless somebody unticked some."""
    found: Batch | None = None
    try:
        found = batch_of(request.user, ids) if ids else None
    except BatchRefused as error:
        problem = problem or str(error)
    told = ""
    if found is not None:
        workspace = found.requests[0].workspace
        request.show_workspace(workspace)
        note_shown(found.requests, request.user)
        told = pace(request.user, workspace.pk).sentence
    context: dict[str, Any] = {"batch": found, "problem": problem, "reason": reason, "pace": told}
    context["ticked"] = set(ids if ticked is None else ticked)
    return render(request, "approvals/batch.html", context, status=422 if problem else 200)


def _decide(request: AuthenticatedRequest) -> HttpResponse:
    """Only ticked requests count; each with the digest its line carried."""
    ids, shown = request.POST.getlist("id"), request.POST.getlist("shown")
    reason = request.POST.get("reason", "").strip()[:2000]
    choice = request.POST.get("choice", "")
    if not ids or choice not in {"approve", "reject"}:
        problem = "Tick at least one request, then approve or reject."
        return _page(request, shown or ids, ticked=ids, problem=problem, reason=reason)
    seen = {request_id: request.POST.get(f"{DIGEST}{request_id}", "") for request_id in ids}
    workspace = get_request_for(request.user, ids[0]).workspace
    request.show_workspace(workspace)
    try:
        actor = actor_for_user(request.user, workspace)
        proof = proof_of(fresh_step_up(here(request)))
        results = decide_together(actor=actor, user=request.user, choice=choice, reason=reason, seen=seen, proof=proof)
    except BatchRefused as error:
        return _page(request, shown or ids, ticked=ids, problem=str(error), reason=reason)
    except StepUpNeeded as error:
        raise StepUpMissing(str(error)) from error
    return render(request, "approvals/batch_done.html", _told(results))


def _told(results: list[Result]) -> Mapping[str, Any]:
    return {"results": results, "summary": summary(results)}
