"""Break glass: the page that says what it skips, and the review that is owed for it."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import NotVisible
from accounts.actors import actor_for_user
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.kept import forget
from approvals.access import group_title
from approvals.break_glass import break_glass, skipped, why_not
from approvals.forms import BreakGlassForm, ConfirmForm, ReviewForm
from approvals.glass_review import confirm_review, part_of, write_review
from approvals.http import request_on_page
from approvals.longtext import NotOpened, refuse_unopened
from approvals.models import ApprovalRequest, BreakGlass
from approvals.people import person_in
from approvals.queue import queue_page
from approvals.refusals import AlreadyDecided, DigestChanged, StepUpNeeded, VerdictRefused
from approvals.review import review_page
from approvals.statement import Proof
from approvals.stepup.here import here
from approvals.stepup.services import fresh_step_up, proof_of
from approvals.views import prove_first


@sign_in_required
@require_http_methods(["GET", "POST"])
def break_glass_(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """What it skips, who is told, why; then it runs at once. Absent for everybody who may not."""
    found = request_on_page(request, request_id)
    if why_not(found, person_in(request.user, found.workspace)):
        raise NotVisible("break glass")
    if not found.is_open:
        return redirect("approvals:review", found.pk)
    least = found.route["break_glass"]["reason_min"]
    form = BreakGlassForm(
        request.POST if request.method == "POST" else None, least=least, initial={"digest": found.digest}
    )
    if request.method == "GET" or not form.is_valid():
        return _page(request, found, form, status=200 if request.method == "GET" else 422)
    return run(request, found, form, proof_of(fresh_step_up(here(request))))


def run(
    request: AuthenticatedRequest, found: ApprovalRequest, form: BreakGlassForm, proof: Proof | None
) -> HttpResponse:
    """Break glass as a checked form says; what still needs a step-up is kept and goes there."""
    given = dict(form.cleaned_data)
    try:
        refuse_unopened(found, choice="approve", opened=given.pop("opened"))
        actor = actor_for_user(request.user, found.workspace)
        break_glass(actor=actor, user=request.user, request_id=found.pk, proof=proof, **given)
    except AlreadyDecided as error:
        messages.error(request, str(error))
        return redirect("approvals:review", found.pk)
    except DigestChanged as error:
        return _again(request, found, form, str(error))
    except StepUpNeeded:
        return prove_first(request, found, form, "approvals:break_glass")
    except (VerdictRefused, NotOpened) as error:
        form.add_error(None, str(error))
        return _page(request, found, form, status=422)
    forget(request)
    messages.success(request, "It runs now. Write the review when the emergency is over.")
    return redirect("approvals:review", found.pk)


def _again(request: AuthenticatedRequest, found: ApprovalRequest, form: BreakGlassForm, conflict: str) -> HttpResponse:
    """What would run now, with the reason as it was typed; the promise is given anew."""
    found.refresh_from_db()
    initial = {"digest": found.digest, "reason": form.cleaned_data["reason"]}
    least = found.route["break_glass"]["reason_min"]
    return _page(request, found, BreakGlassForm(least=least, initial=initial), status=409, conflict=conflict)


def _page(
    request: AuthenticatedRequest, found: ApprovalRequest, form: BreakGlassForm, *, status: int, conflict: str = ""
) -> HttpResponse:
    terms, opened = found.route["break_glass"], "all" in request.GET
    address = reverse("approvals:break_glass", args=[found.pk])
    shown = review_page(request.user, found, page=queue_page(request.user, found.workspace, ""), opened=opened)
    context: dict[str, Any] = {
        "found": found,
        "form": form,
        "conflict": conflict,
        # What would run stands above the button, from the bytes the digest covers (P3).
        "review": replace(shown, all_url=f"{address}?all=1"),
        "skipped": skipped(found),
        "hours": terms["review_within_s"] / 3600,
        "told": [group_title(slug, found.workspace) for slug in terms["notify"]],
        "reviewers": group_title(terms["review_group"], found.workspace),
        "given": [verdict for verdict in found.counted if verdict.choice == "approve"],
    }
    return render(request, "approvals/break_glass.html", context, status=status)


def _broken(request: AuthenticatedRequest, request_id: str) -> BreakGlass:
    """Raises NotVisible."""
    found = request_on_page(request, request_id)
    related = BreakGlass.objects.select_related("request__workspace", "user", "reviewed_by", "confirmed_by")
    broken = related.filter(request=found).first()
    if broken is None:
        raise NotVisible("review")
    return broken


@sign_in_required
@require_http_methods(["GET", "POST"])
def glass_review(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """What was run without whom, why, and the review; a form for the one who owes it."""
    broken = _broken(request, request_id)
    form = ReviewForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return _review(request, broken, form, ConfirmForm(), status=200 if request.method == "GET" else 422)
    try:
        actor = actor_for_user(request.user, broken.request.workspace)
        write_review(actor=actor, user=request.user, request_id=request_id, text=form.cleaned_data["text"])
    except VerdictRefused as error:
        form.add_error(None, str(error))
        return _review(request, _broken(request, request_id), form, ConfirmForm(), status=409)
    messages.success(request, "Recorded. Somebody else confirms it.")
    return redirect("approvals:glass_review", request_id)


@sign_in_required
@require_POST
def glass_confirm(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """A different person says whether it was justified; that resolves it."""
    broken = _broken(request, request_id)
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _review(request, broken, ReviewForm(), form, status=422)
    try:
        actor = actor_for_user(request.user, broken.request.workspace)
        confirm_review(actor=actor, user=request.user, request_id=request_id, **form.cleaned_data)
    except VerdictRefused as error:
        form.add_error(None, str(error))
        return _review(request, _broken(request, request_id), ReviewForm(), form, status=409)
    messages.success(request, "Resolved.")
    return redirect("approvals:glass_review", request_id)


def _review(
    request: AuthenticatedRequest, broken: BreakGlass, form: ReviewForm, confirm: ConfirmForm, *, status: int
) -> HttpResponse:
    who = person_in(request.user, broken.request.workspace)
    context: dict[str, Any] = {
        "broken": broken,
        "found": broken.request,
        "part": part_of(broken, who),
        "overdue": broken.overdue,
        "reviewers": group_title(broken.review_group, broken.request.workspace),
        "form": form,
        "confirm": confirm,
    }
    return render(request, "approvals/glass_review.html", context, status=status)
