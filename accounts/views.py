"""Sign in with a password where that is allowed, sign out, switch workspace, and what was sent from a page too old."""

from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import NotVisible, workspaces_visible_to
from accounts.forms import SignInForm
from accounts.http import SESSION_KEY, AuthenticatedRequest, sign_in_required
from accounts.ids import is_id
from accounts.kept import OUT_OF_DATE, forget, keep, keep_form, kept_form, lead_to
from accounts.models import User
from accounts.oidc_settings import PASSWORD_BACKEND
from accounts.resumed import told

_ways: Any = settings  # Made from the environment by `oidc_settings`, so Django's settings have no types for them.


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. A password form is there only when passwords are allowed."""
    if request.user.is_authenticated:
        return redirect(_next_url(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not _ways.REMIT_PASSWORD_SIGN_IN:
            return HttpResponseNotAllowed(["GET"])
        if form.is_valid() and form.user is not None:
            login(request, form.user, backend=PASSWORD_BACKEND)
            return redirect(_next_url(request))
    return _page(request, form, status=422 if form.is_bound else 200)


def refused_page(request: HttpRequest, sentence: str) -> HttpResponse:
    """The sign-in page with the reason why a sign-in elsewhere was refused."""
    return _page(request, SignInForm.refused(sentence), status=403)


def _page(request: HttpRequest, form: SignInForm, *, status: int) -> HttpResponse:
    context = {
        "form": form,
        "next": _wanted(request),
        "oidc_enabled": _ways.REMIT_OIDC_ENABLED,
        "password_enabled": _ways.REMIT_PASSWORD_SIGN_IN,
    }
    return render(request, "accounts/sign_in.html", context, status=status)


def _wanted(request: HttpRequest) -> str:
    return request.POST.get("next") or request.GET.get("next") or ""


def _next_url(request: HttpRequest) -> str:
    return safe_path(_wanted(request)) or resolve_url(settings.LOGIN_REDIRECT_URL)


def safe_path(target: str) -> str | None:
    """`target` if it is a path of this site and nothing else, whatever the Host header says."""
    return target if target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts=None) else None


@never_cache
@sign_in_required
@require_GET
def resume(request: AuthenticatedRequest) -> HttpResponse:
    """What was typed before the session ended, to be sent again or dropped."""
    kept = kept_form(request)
    return render(request, "accounts/resume.html", {"kept": kept, "told": told(request.user, kept) if kept else None})


@sign_in_required
@require_POST
def discard_kept(request: AuthenticatedRequest) -> HttpResponse:
    """Drop what was kept."""
    forget(request)
    return redirect(resolve_url(settings.LOGIN_REDIRECT_URL))


@never_cache
def out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose CSRF token does not hold. Signing in again makes another token, and pages drawn before have the old one.

    Nothing is done. What a page of this site sent is kept, to be looked at and sent again; what comes from elsewhere is not.
    """
    ours = request.headers.get("Origin") in {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    typed = any(value for name, value in request.POST.items() if name != "csrfmiddlewaretoken")
    if ours and typed and not request.user.is_authenticated:
        return keep_form(request)
    if ours and typed and keep(request, OUT_OF_DATE):
        return lead_to(request, reverse("accounts:resume"))
    return render(request, "accounts/out_of_date.html", status=403)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@require_POST
def switch_workspace(request: HttpRequest) -> HttpResponse:
    """Show another workspace this person belongs to."""
    if not isinstance(request.user, User):
        return redirect(settings.LOGIN_URL)
    wanted = request.POST.get("workspace", "")
    chosen = workspaces_visible_to(request.user).filter(pk=wanted).first() if is_id("wks", wanted) else None
    if chosen is None:
        raise NotVisible("workspace")
    request.session[SESSION_KEY] = chosen.pk
    return redirect(settings.LOGIN_REDIRECT_URL)
