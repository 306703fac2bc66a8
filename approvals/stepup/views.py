"""A person's own factors, and the page where they prove who they are. Without scripts the authenticator app does it all."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.factors import passkeys, recovery, totp
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.kept import STEP_UP, kept_form
from accounts.models import Challenge, Factor
from accounts.views import safe_path
from approvals.statement import Proof
from approvals.stepup import services
from approvals.stepup.forms import CodeForm, NameForm, NewAppForm, NewPasskeyForm, PasskeyForm
from approvals.stepup.here import here, step_up_first
from approvals.stepup.services import StepUpFailed


@never_cache
@sign_in_required
@require_GET
def security(request: AuthenticatedRequest) -> HttpResponse:
    """The factors this person has, and how to add one."""
    return _security(request)


def _security(request: AuthenticatedRequest, *, status: int = 200, problem: str = "") -> HttpResponse:
    kept = kept_form(request)
    context: dict[str, Any] = {
        "factors": list(request.user.factors.all()),
        "codes_left": recovery.left(request.user),
        "fresh": services.fresh_step_up(here(request)),
        "passkey_origin": passkeys.origin(),
        "passkey_here": request.build_absolute_uri("/").rstrip("/") == passkeys.origin(),
        "waiting": kept if kept and kept.why == STEP_UP else None,
        "problem": problem,
    }
    return render(request, "approvals/security.html", context, status=status)


@never_cache
@sign_in_required
@require_POST
@step_up_first
def begin_app(request: AuthenticatedRequest) -> HttpResponse:
    """A new secret as a picture and as text."""
    made = services.begin_totp(here(request))
    return _app(request, NewAppForm(initial={"challenge": made.pk, "name": "Authenticator app"}), made)


def _app(request: AuthenticatedRequest, form: NewAppForm, made: Challenge, *, status: int = 200) -> HttpResponse:
    sealed = made.subject["totp"]
    secret = totp.readable(sealed)
    context = {
        "form": form,
        "picture": totp.picture(sealed, request.user.email),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    }
    return render(request, "approvals/security_app.html", context, status=status)


@never_cache
@sensitive_post_parameters("code")
@sign_in_required
@require_POST
@step_up_first
def confirm_app(request: AuthenticatedRequest) -> HttpResponse:
    """The first code enrols the app."""
    form = NewAppForm(request.POST)
    waiting = _waiting(request)
    if waiting is None:
        return _security(request, status=422, problem="This took too long. Add the app again.")
    if not form.is_valid():
        return _app(request, form, waiting, status=422)
    data = form.cleaned_data
    try:
        codes = services.confirm_totp(here=here(request), challenge_id=waiting.pk, name=data["name"], code=data["code"])
    except StepUpFailed as error:
        form.add_error("code", str(error))
        return _app(request, form, waiting, status=422)
    return _added(request, codes)


def _waiting(request: AuthenticatedRequest) -> Challenge | None:
    mine = here(request)
    wanted = request.POST.get("challenge", "").replace("\x00", "")
    found = Challenge.objects.filter(pk=wanted, user=mine.user, session=mine.session, used_at=None).first()
    return found if found and "totp" in found.subject else None


@sign_in_required
@require_POST
@step_up_first
def passkey_options(request: AuthenticatedRequest) -> HttpResponse:
    """What the browser is asked to make."""
    made, options = services.begin_passkey(here(request))
    return JsonResponse({"challenge": made.pk, **options})


@never_cache
@sign_in_required
@require_POST
@step_up_first
def add_passkey(request: AuthenticatedRequest) -> HttpResponse:
    """The browser's answer enrols the passkey."""
    form = NewPasskeyForm(request.POST)
    if not form.is_valid():
        return _security(request, status=422, problem="The passkey was not added: the browser sent no answer.")
    data = form.cleaned_data
    try:
        codes = services.finish_passkey(
            here=here(request), challenge_id=data["challenge"], name=data["name"], answer=data["answer"]
        )
    except StepUpFailed as error:
        return _security(request, status=422, problem=str(error))
    return _added(request, codes)


def _added(request: AuthenticatedRequest, codes: list[str]) -> HttpResponse:
    messages.success(request, "Added. It proves who you are from now on.")
    return _codes(request, codes) if codes else redirect(reverse("approvals:security"))


def _codes(request: AuthenticatedRequest, codes: list[str]) -> HttpResponse:
    """Shown in this one answer and nowhere else."""
    kept = kept_form(request)
    context = {"codes": codes, "waiting": kept if kept and kept.why == STEP_UP else None}
    return render(request, "approvals/security_codes.html", context)


@sign_in_required
@require_POST
def rename(request: AuthenticatedRequest, factor_id: str) -> HttpResponse:
    """Another name."""
    services.own_factor(request.user, factor_id)
    form = NameForm(request.POST)
    if not form.is_valid():
        return _security(request, status=422, problem="Write a name of up to 80 characters.")
    services.rename_factor(here=here(request), factor_id=factor_id, name=form.cleaned_data["name"])
    messages.success(request, "Renamed.")
    return redirect(reverse("approvals:security"))


@sign_in_required
@require_POST
@step_up_first
def remove(request: AuthenticatedRequest, factor_id: str) -> HttpResponse:
    """Removing a factor needs a step-up itself."""
    services.remove_factor(here=here(request), factor_id=factor_id)
    messages.success(request, "Removed. It proves nothing any more.")
    return redirect(reverse("approvals:security"))


@never_cache
@sign_in_required
@require_POST
@step_up_first
def codes(request: AuthenticatedRequest) -> HttpResponse:
    """New recovery codes in place of the old ones."""
    return _codes(request, services.renew_codes(here=here(request)))


@never_cache
@sensitive_post_parameters("code", "answer")
@sign_in_required
@require_http_methods(["GET", "POST"])
def step_up(request: AuthenticatedRequest) -> HttpResponse:
    """Prove who you are, then go on where you were."""
    target = safe_path(request.POST.get("next") or request.GET.get("next") or "") or reverse("approvals:security")
    problem = ""
    if request.method == "POST":
        try:
            prove(request, Challenge.Purpose.STEP_UP)
        except StepUpFailed as error:
            problem = str(error)
        else:
            return redirect(target)
    factors = list(request.user.factors.all())
    has_passkey = any(factor.kind == Factor.Kind.PASSKEY for factor in factors)
    context = {"next": target, "problem": problem, "factors": factors, "form": CodeForm(), "has_passkey": has_passkey}
    return render(request, "approvals/step_up.html", context, status=422 if problem else 200)


def prove(request: AuthenticatedRequest, purpose: Challenge.Purpose) -> Proof:
    """The proof in a sent form: a passkey's answer, or else a code. Raises StepUpFailed."""
    answer = PasskeyForm(request.POST)
    if answer.is_valid():
        data = answer.cleaned_data
        return services.prove_with_passkey(
            actor=request.actor, here=here(request), purpose=purpose, challenge_id=data["challenge"],
            answer=data["answer"],
        )  # fmt: skip
    form = CodeForm(request.POST)
    if not form.is_valid():
        raise StepUpFailed("Write the code your app shows now, or use a passkey.")
    made = services.prove_with_code(actor=request.actor, here=here(request), code=form.cleaned_data["code"])
    return Proof(made.user_id, made.method, made.at)


@sign_in_required
@require_POST
def step_up_options(request: AuthenticatedRequest) -> HttpResponse:
    """What the browser asks a passkey."""
    made, options = services.ask_passkey(here(request), Challenge.Purpose.STEP_UP)
    return JsonResponse({"challenge": made.pk, **options})
