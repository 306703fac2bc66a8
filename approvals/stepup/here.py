"""Who is acting in which session, and the frame of views that need a fresh step-up."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.factors.challenges import session_digest
from accounts.http import AuthenticatedRequest
from accounts.kept import STEP_UP, keep
from approvals.stepup.services import Here, StepUpMissing

View = Callable[..., HttpResponse]


def here(request: AuthenticatedRequest) -> Here:
    """The signed-in person in this session; nothing of the request's body says who it is (R-24)."""
    return Here(request.user, session_digest(request.session.session_key))


def step_up_first(view: View) -> View:
    """A form that needs a fresh step-up is kept, and sent by the person after it."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(cast(AuthenticatedRequest, request), *args, **kwargs)
        except StepUpMissing:
            target = reverse("accounts:resume") if keep(request, STEP_UP) else reverse("approvals:security")
            return redirect(f"{reverse('approvals:step_up')}?{urlencode({'next': target})}")

    return cast(View, guarded)
