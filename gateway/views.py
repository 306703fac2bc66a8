"""Surfaces that are fixed by design and not in this release: they say so."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from gateway import problems
from gateway.problems import Problem


@csrf_exempt
def mcp_not_here(request: HttpRequest) -> HttpResponse:
    """MCP."""
    detail = "This release has no MCP endpoint. Use the REST API at /api/v1/."
    return problems.answer(Problem(501, "not-implemented", "Not in this release", detail))


@csrf_exempt
def oauth_not_here(request: HttpRequest) -> HttpResponse:
    """OAuth."""
    detail = "This release has no OAuth endpoints. Agents use the token shown when they were registered."
    return problems.answer(Problem(501, "not-implemented", "Not in this release", detail))
