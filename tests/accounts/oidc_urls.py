"""The console's URLs as they are when an identity provider is configured."""

from django.urls import include, path

from console.urls import handler400, handler404, handler500, urlpatterns  # noqa: F401 - read by Django

urlpatterns = [*urlpatterns, path("oidc/", include("mozilla_django_oidc.urls"))]
