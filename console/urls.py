"""The root: includes every app's URLs."""

from django.conf import settings
from django.urls import include, path

from console import views, views_audit, views_people, views_single, views_trust

console_patterns = (
    [
        path("", views.home, name="home"),
        path("search/", views.search, name="search"),
        path("audit/", views_audit.audit, name="audit"),
        path("audit/export/", views_audit.audit_export, name="audit_export"),
        path("trust/", views_trust.trust, name="trust"),
        path("trust/agents/<str:agent_id>/", views_trust.trust_agent, name="trust_agent"),
        path("trust/<slug:key>/", views_trust.trust_rows, name="trust_rows"),
        path("gallery/", views.gallery, name="gallery"),
        path("rollbacks/", views_trust.rollbacks, name="rollbacks"),
        path("people/", views_people.people, name="people"),
        path("people/person/<str:user_id>/", views_people.person, name="person"),
        path("people/single-operator/", views_single.single_operator, name="single_operator"),
        path("people/single-operator/on/", views_single.single_on, name="single_on"),
        path("people/single-operator/off/", views_single.single_off, name="single_off"),
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
    path("", include("traces.incident.urls")),
    path("", include("traces.notices.urls")),
    path("", include("traces.embed.urls")),
    path("policies/", include("policies.urls")),
]
if settings.REMIT_OIDC_ENABLED:
    urlpatterns.append(path("oidc/", include("mozilla_django_oidc.urls")))
handler400 = "console.views.not_understood"
handler404 = "console.views.not_found"
handler500 = "console.views.failed"
