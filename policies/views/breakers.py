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
from policies.views.rules import Unsent, draw_rules


@sign_in_required
@require_POST
def reset_(request: AuthenticatedRequest, slug: str, trip_id: str) -> HttpResponse:
    """Let covered calls through again, with what was found. What was written stays where it is refused."""
    get_policy_for(request.user, request.workspace, slug)
    require(request.user, Permission.AGENT_PAUSE, request.workspace)
    trip_id, reason = trip_id[:60].replace("\x00", ""), request.POST.get("reason", "").replace("\x00", "")
    try:
        reset(actor=request.actor, user=request.user, workspace=request.workspace, trip_id=trip_id, reason=reason)
    except ResetRefused as error:
        return draw_rules(request, slug, "breakers", unsent=Unsent(trip_id, reason, str(error)))
    messages.success(request, "The breaker is reset. Its calls may run again.")
    return redirect("policies:breakers", slug)
