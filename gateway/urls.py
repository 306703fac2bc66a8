"""Agent-facing URLs."""

from django.urls import include, path, re_path

from gateway import routes, routes_links
from gateway.api import api
from gateway.mcp.view import mcp

urlpatterns = [
    path("api/v1/", api.urls),
    re_path(r"^mcp/?$", mcp, name="mcp"),
    path("", include("gateway.oauth.urls")),
]

__all__ = ["routes", "routes_links", "urlpatterns"]
