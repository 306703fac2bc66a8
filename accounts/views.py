"""Sign in with a password where no identity provider is configured, sign out, switch workspace."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.access import NotVisible, workspaces_visible_to
from accounts.forms import SignInForm
from accounts.http import SESSION_KEY
from accounts.models import User

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. A password form is there only when passwords are allowed."""
    if request.user.is_authenticated:
        return redirect(_next_url(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not settings.REMIT_PASSWORD_SIGN_IN:
            return HttpResponseNotAllowed(["GET"])
        if form.is_valid() and form.user is not None:
            login(request, form.user, backend=MODEL_BACKEND)
            return redirect(_next_url(request))
    context = {
        "form": form,
        "next": request.GET.get("next", ""),
        "oidc_enabled": settings.REMIT_OIDC_ENABLED,
        "password_enabled": settings.REMIT_PASSWORD_SIGN_IN,
    }
    return render(request, "accounts/sign_in.html", context, status=422 if form.is_bound else 200)


def _next_url(request: HttpRequest) -> str:
    """Where to go afterwards: only a path of this site."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return resolve_url(settings.LOGIN_REDIRECT_URL)


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
    chosen = workspaces_visible_to(request.user).filter(pk=request.POST.get("workspace", "")).first()
    if chosen is None:
        raise NotVisible("workspace")
    request.session[SESSION_KEY] = chosen.pk
    return redirect(settings.LOGIN_REDIRECT_URL)
