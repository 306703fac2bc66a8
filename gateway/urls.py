"""Agent-facing URLs."""

from django.urls import path, re_path

from gateway import routes, views
from gateway.api import api

urlpatterns = [
    path("api/v1/", api.urls),
    re_path(r"^mcp(?:/.*)?$", views.mcp_not_here, name="mcp"),
    re_path(r"^oauth/.*$", views.oauth_not_here, name="oauth"),
]

__all__ = ["routes", "urlpatterns"]
