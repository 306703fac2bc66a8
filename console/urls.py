"""The root: includes every app's URLs."""

from django.conf import settings
from django.urls import include, path

from console import views

console_patterns = (
    [
        path("", views.home, name="home"),
        path("search/", views.search, name="search"),
        path("healthz", views.healthz, name="healthz"),
        path("readyz", views.readyz, name="readyz"),
        path("metrics", views.metrics, name="metrics"),
    ],
    "console",
)
urlpatterns = [
    path("", include(console_patterns)),
    path("", include("accounts.urls")),
    path("", include("gateway.urls")),
    path("", include("actions.urls")),
    path("", include("approvals.urls")),
    path("traces/", include("traces.urls")),
    path("", include("traces.notices.urls")),
    path("policies/", include("policies.urls")),
]
if settings.REMIT_OIDC_ENABLED:
    urlpatterns.append(path("oidc/", include("mozilla_django_oidc.urls")))
handler404 = "console.views.not_found"
handler500 = "console.views.failed"
