"""Between Approve and the verdict: the person proves who they are. What they sent is kept meanwhile, and sent by them."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.clock import database_now
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.kept import Kept, kept_form
from accounts.models import Challenge, StepUp
from approvals.access import get_request_for
from approvals.forms import VerdictForm
from approvals.models import ApprovalRequest
from approvals.refusals import NotEntitled
from approvals.requirement import may_prove, required_level
from approvals.services import step_for
from approvals.statement import challenge_of, new_nonce, state
from approvals.stepup.forms import CodeForm
from approvals.stepup.here import here
from approvals.stepup.services import StepUpFailed, ask_passkey
from approvals.stepup.views import prove
from approvals.views import record
from traces.canonical import instant


@never_cache
@sensitive_post_parameters("code", "answer")
@sign_in_required
@require_http_methods(["GET", "POST"])
def confirm(request: AuthenticatedRequest, request_id: str) -> HttpResponse:
    """The approval that waits for a proof; the proof sends it."""
    found = get_request_for(request.user, request_id)
    request.show_workspace(found.workspace)
    form = _kept_verdict(request, found)
    if form is None:
        return redirect(reverse("approvals:review", args=[found.pk]))
    if request.method == "GET":
        return _page(request, found, form)
    try:
        proof = prove(request, Challenge.Purpose.VERDICT)
    except StepUpFailed as error:
        return _page(request, found, form, problem=str(error))
    return record(request, found, form, proof)


def _kept_verdict(request: AuthenticatedRequest, found: ApprovalRequest) -> VerdictForm | None:
    """The kept form, if it is a whole verdict on this request."""
    kept: Kept | None = kept_form(request)
    if kept is None or kept.path.partition("?")[0] != reverse("approvals:decide", args=[found.pk]):
        return None
    form = VerdictForm(kept.data)
    return form if form.is_valid() else None


def _page(
    request: AuthenticatedRequest, found: ApprovalRequest, form: VerdictForm, *, problem: str = ""
) -> HttpResponse:
    level = required_level(found)
    context: dict[str, Any] = {
        "asked": found,
        "reason": form.cleaned_data["reason"],
        "changed": form.cleaned_data["digest"] != found.digest,
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
    form = _kept_verdict(request, found)
    if form is None:
        return JsonResponse({"detail": "There is no verdict waiting for this."}, status=409)
    try:
        step = step_for(request.user, found, form.cleaned_data["step"])
    except NotEntitled as error:
        return JsonResponse({"detail": str(error)}, status=409)
    step_up = {"method": StepUp.Method.PASSKEY.value, "at": instant(database_now())}
    statement = state(
        found, request.user, choice=form.cleaned_data["choice"], step=step.number, step_up=step_up, nonce=new_nonce()
    )
    made, options = ask_passkey(
        here(request), Challenge.Purpose.VERDICT, statement=statement, value=challenge_of(statement)
    )
    return JsonResponse({"challenge": made.pk, **options})
