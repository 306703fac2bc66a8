"""Revocation (RFC 7009): the library's for its own tokens, ours for those that act for a person."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from oauth2_provider.views import RevokeTokenView

from accounts.access import PERSON_PREFIX, REFRESH_PREFIX
from accounts.actors import actor_for_agent
from accounts.consents.services import end_by_refresh
from accounts.person_tokens import given_to, revoke_person_token
from gateway.oauth.forms import Refused, client_of, form_of

_library = RevokeTokenView.as_view()


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """200 also for a token that is not known, or another agent's: nothing is told of it, and nothing happens to it."""
    try:
        form = form_of(request)
        shown = str(form.get("token", ""))
        if not shown.startswith((f"{PERSON_PREFIX}_", f"{REFRESH_PREFIX}_")):
            return _library(request)  # type: ignore[no-any-return]  # the library has no types
        client = client_of(request, form, public=True)
    except Refused as refused:
        return refused.answer()
    if shown.startswith(f"{REFRESH_PREFIX}_"):
        end_by_refresh(client, shown)
        return HttpResponse(status=200)
    found = given_to(client, shown)
    if found is not None:
        revoke_person_token(actor=actor_for_agent(client.agent), token=found)
    return HttpResponse(status=200)
