"""What a person allowed, and its end by themselves."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.actors import actor_for_user
from accounts.consents.services import end_consent, get_consent_of, living_consents
from accounts.http import AuthenticatedRequest, sign_in_required


@sign_in_required
@require_GET
def apps(request: AuthenticatedRequest) -> HttpResponse:
    """The apps that may have an agent act for this person now, in every workspace."""
    return render(request, "accounts/apps.html", {"consents": list(living_consents().filter(person=request.user))})


@sign_in_required
@require_POST
def end(request: AuthenticatedRequest, consent_id: str) -> HttpResponse:
    """End one at once. No step-up: it only takes away."""
    found = get_consent_of(request.user, consent_id)
    end_consent(actor=actor_for_user(request.user, found.agent.workspace), consent=found, why="by the person")
    messages.success(request, f"{found.client_name} may not have {found.agent.name} act for you any more.")
    return redirect("accounts:apps")
