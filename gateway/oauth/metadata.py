"""What the authorization server (RFC 8414) and each protected address (RFC 9728) say of themselves."""

import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from oauth2_provider.views import OAuthServerMetadataView

from accounts.client_assertions import ALGORITHMS
from accounts.scopes import WORDS

AUDIENCES = {"mcp": "REMIT_AUDIENCE_MCP", "api/v1": "REMIT_AUDIENCE_REST"}


_library = OAuthServerMetadataView.as_view()
ENDPOINTS = ("token_endpoint", "revocation_endpoint")


@require_safe
def server_metadata(request: HttpRequest) -> HttpResponse:
    """The library's document; clients without a secret (RFC 7591 calls it `none`); where clients may be named by an address, how
    those prove themselves."""
    answer: HttpResponse = _library(request)
    body = json.loads(answer.content)
    for endpoint in ENDPOINTS:
        body[f"{endpoint}_auth_methods_supported"] = [*body[f"{endpoint}_auth_methods_supported"], "none"]
    if settings.REMIT_CIMD_HOSTS:
        body |= {"client_id_metadata_document_supported": True} | _signing(body)
    return JsonResponse(body, headers={"Access-Control-Allow-Origin": "*"})


def _signing(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        found[f"{endpoint}_auth_methods_supported"] = [*body[f"{endpoint}_auth_methods_supported"], "private_key_jwt"]
        found[f"{endpoint}_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    return found


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
