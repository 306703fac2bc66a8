"""Between Approve and the verdict: the person proves who they are. What they sent is kept meanwhile, and sent by them."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.kept import Kept, kept_form
from accounts.models import Challenge, User
from approvals.access import get_request_for
from approvals.break_glass import skipped, why_not
from approvals.forms import BreakGlassForm, VerdictForm
from approvals.http import request_on_page
from approvals.models import ApprovalRequest
from approvals.people import person_in
from approvals.refusals import NotEntitled
from approvals.requirement import may_prove, required_level
from approvals.services import step_for, wants_second
from approvals.statement import challenge_of, glass_state, new_nonce, passkey_step_up, state
from approvals.stepup.forms import CodeForm
from approvals.stepup.here import here
from approvals.stepup.services import StepUpFailed, ask_passkey
from approvals.stepup.views import prove
from approvals.views import record
from approvals.views_glass import run


@never_cache
@sensitive_post_parameters("code", "answer")
@sign_in_required
@require_http_methods(["GET", "POST"])
def confirm(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """The approval that waits for a proof; the proof sends it."""
    found = request_on_page(request, request_id)
    form = _kept_form(request, found)
    if form is None:
        return redirect(reverse("approvals:review", args=[found.pk]))
    if request.method == "GET":
        return _page(request, found, form)
    try:
        proof = prove(request, Challenge.Purpose.VERDICT)
    except StepUpFailed as error:
        return _page(request, found, form, problem=str(error))
    return run(request, found, form, proof) if isinstance(form, BreakGlassForm) else record(request, found, form, proof)


def _kept_form(request: AuthenticatedRequest, found: ApprovalRequest) -> VerdictForm | BreakGlassForm | None:
    """The kept form, if it is a whole verdict on this request, or runs it in an emergency as this person may."""
    kept: Kept | None = kept_form(request)
    path = kept.path.partition("?")[0] if kept else ""
    form: VerdictForm | BreakGlassForm
    if kept and path == reverse("approvals:decide", args=[found.pk]):
        form = VerdictForm(kept.data)
    elif kept and path == reverse("approvals:break_glass", args=[found.pk]) and _may_break(request, found):
        form = BreakGlassForm(kept.data, least=found.route["break_glass"]["reason_min"])
    else:
        return None
    return form if form.is_valid() else None


def _may_break(request: AuthenticatedRequest, found: ApprovalRequest) -> bool:
    return found.is_open and not why_not(found, person_in(request.user, found.workspace))


def _page(
    request: AuthenticatedRequest, found: ApprovalRequest, form: VerdictForm | BreakGlassForm, *, problem: str = ""
) -> HttpResponse:
    level = required_level(found)
    context: dict[str, Any] = {
        "asked": found,
        "reason": form.cleaned_data["reason"],
        "changed": form.cleaned_data["digest"] != found.digest,
        "skipped": skipped(found) if isinstance(form, BreakGlassForm) else [],
        "submit": "Run now" if isinstance(form, BreakGlassForm) else "Approve",
        "level": level,
        "can_prove": may_prove(request.user, level),
        "has_passkey": may_prove(request.user, "passkey"),
        "form": CodeForm(),
        "problem": problem,
    }
    return render(request, "approvals/confirm.html", context, status=422 if problem else 200)


@sign_in_required
@require_POST
def confirm_options(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """What the browser asks a passkey: to sign the digest of the very statement that will be recorded (R-25)."""
    found = get_request_for(request.user, request_id)
    form = _kept_form(request, found)
    if form is None:
        return JsonResponse({"detail": "There is no verdict waiting for this."}, status=409)
    try:
        statement = _statement(request.user, found, form)
    except NotEntitled as error:
        return JsonResponse({"detail": str(error)}, status=409)
    made, options = ask_passkey(
        here(request), Challenge.Purpose.VERDICT, statement=statement, value=challenge_of(statement)
    )
    return JsonResponse({"challenge": made.pk, **options})


def _statement(user: User, found: ApprovalRequest, form: VerdictForm | BreakGlassForm) -> dict[str, Any]:
    """What would be recorded by this form, proven by a passkey now. Raises NotEntitled."""
    given, nonce = form.cleaned_data, new_nonce()
    step_up = passkey_step_up(user, database_now())
    if isinstance(form, BreakGlassForm):
        why = given["reason"]
        return glass_state(found, user, reason=why, skipped=skipped(found), step_up=step_up, nonce=nonce)
    step, right = step_for(user, found, given["step"])
    with transaction.atomic():
        second = wants_second(user, found, given["choice"], database_now())
    return state(
        found,
        user,
        choice=given["choice"],
        step=step.number,
        second=second,
        step_up=step_up,
        nonce=nonce,
        capacity=right,
    )
