"""The token endpoint: the library's for a client's own credentials and for what a person allowed, our own for the exchange of a
person's token.
"""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from oauth2_provider.views import TokenView
from oauth2_provider.views.mixins import OAuthLibMixin

from accounts.oauth_settings import BY_CODE, EXCHANGE, OWN
from gateway.oauth.exchange import exchange
from gateway.oauth.forms import Refused, client_of, form_of, private

_library = TokenView.as_view()


@csrf_exempt
@require_POST
@sensitive_post_parameters(
    "subject_token", "actor_token", "client_secret", "client_assertion", "code", "code_verifier", "refresh_token"
)
def token(request: HttpRequest) -> HttpResponse:
    """A token for a client's own credentials, for a person's token beside them, or for what a person allowed. The library knows
    more grants; none of them reaches it."""
    try:
        form = form_of(request)
        if form.get("grant_type") == EXCHANGE:
            return exchange(form, client_of(request, form))
        if form.get("grant_type") in BY_CODE:
            return _by_consent(request)
        if form.get("grant_type") != OWN:
            raise Refused("unsupported_grant_type", f"Ask with grant_type={' or '.join((OWN, EXCHANGE, *BY_CODE))}.")
    except Refused as refused:
        return refused.answer()
    return _library(request)  # type: ignore[no-any-return]  # the library has no types


def _by_consent(request: HttpRequest) -> HttpResponse:
    """In one transaction: the consent is locked from the first look at it until its tokens are stored, or it is ended."""
    with transaction.atomic():
        _, headers, body, status = OAuthLibMixin.get_oauthlib_core().create_token_response(request)
    return private(HttpResponse(body, status=status, headers=headers))
