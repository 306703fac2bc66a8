"""What each protected address says of itself (RFC 9728)."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.scopes import WORDS

AUDIENCES = {"mcp": "REMIT_AUDIENCE_MCP", "api/v1": "REMIT_AUDIENCE_REST"}


@require_safe
def resource_metadata(request: HttpRequest, audience: str) -> HttpResponse:
    """Which server gives tokens for this address, and how they are sent."""
    if audience not in AUDIENCES:
        raise Http404
    body = {
        "resource": getattr(settings, AUDIENCES[audience]),
        "resource_name": "Remit",
        "authorization_servers": [settings.REMIT_BASE_URL],
        "scopes_supported": list(WORDS),
        "bearer_methods_supported": ["header"],
    }
    return JsonResponse(body)
