"""Agent-facing URLs."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from gateway import routes, routes_links
from gateway.api import api
from gateway.mcp.view import mcp
from gateway.problems import of_method


def _in_shape(pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
    """An address whose refusal of a method is a problem as well."""
    if isinstance(pattern, URLPattern):
        pattern.callback = of_method(pattern.callback)
    return pattern


_patterns, _app, _namespace = api.urls

urlpatterns = [
    path("api/v1/", ([_in_shape(pattern) for pattern in _patterns], _app, _namespace)),
    re_path(r"^mcp/?$", mcp, name="mcp"),
    path("", include("gateway.oauth.urls")),
]

__all__ = ["routes", "routes_links", "urlpatterns"]
