"""The token endpoint: the library's, for the one grant that is given here."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from oauth2_provider.views import TokenView

GRANT = "client_credentials"
_library = TokenView.as_view()


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """A token for a client's own credentials. The library knows more grants; none of them reaches it."""
    if request.POST.getlist("grant_type") != [GRANT]:
        words = f"Ask with grant_type={GRANT}, once, as application/x-www-form-urlencoded."
        return JsonResponse({"error": "unsupported_grant_type", "error_description": words}, status=400)
    return _library(request)  # type: ignore[no-any-return]  # the library has no types
