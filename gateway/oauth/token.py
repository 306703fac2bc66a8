"""The token endpoint: the library's for a client's own credentials, our own for the exchange of a person's token."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from oauth2_provider.views import TokenView

from accounts.oauth_settings import EXCHANGE
from gateway.oauth.exchange import exchange
from gateway.oauth.forms import Refused, client_of, form_of

OWN = "client_credentials"
_library = TokenView.as_view()


@csrf_exempt
@require_POST
@sensitive_post_parameters("subject_token", "actor_token", "client_secret", "client_assertion")
def token(request: HttpRequest) -> HttpResponse:
    """A token for a client's own credentials, or for a person's token beside them. The library knows more grants; none of
    them reaches it."""
    try:
        form = form_of(request)
        if form.get("grant_type") == EXCHANGE:
            return exchange(form, client_of(request, form))
        if form.get("grant_type") != OWN:
            raise Refused("unsupported_grant_type", f"Ask with grant_type={OWN} or {EXCHANGE}.")
    except Refused as refused:
        return refused.answer()
    return _library(request)  # type: ignore[no-any-return]  # the library has no types
