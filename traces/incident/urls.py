"""The incident page and its exports."""

from django.urls import path

from traces.incident import views

app_name = "incident"
urlpatterns = [
    path("incident/", views.page, name="page"),
    path("incident/export/", views.export, name="export"),
]
