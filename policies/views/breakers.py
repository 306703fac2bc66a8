"""Resetting a breaker that tripped."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.access import require
from accounts.http import AuthenticatedRequest, sign_in_required
from accounts.permissions import Permission
from policies.access import get_policy_for
from policies.breakers import ResetRefused, reset


@sign_in_required
@require_POST
def reset_(request: AuthenticatedRequest, slug: str, trip_id: str) -> HttpResponse:
    """Let covered calls through again, with what was found."""
    get_policy_for(request.user, request.workspace, slug)
    require(request.user, Permission.AGENT_PAUSE, request.workspace)
    try:
        reset(
            actor=request.actor, user=request.user, workspace=request.workspace, trip_id=trip_id[:60].replace("\x00", ""),
            reason=request.POST.get("reason", "").replace("\x00", ""),
        )  # fmt: skip
        messages.success(request, "The breaker is reset. Its calls may run again.")
    except ResetRefused as error:
        messages.error(request, str(error))
    return redirect("policies:breakers", slug)
