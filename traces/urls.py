"""Trace pages."""

from django.urls import path

from traces import views

app_name = "traces"
urlpatterns = [
    path("", views.trace_list, name="list"),
    path("<str:trace_id>/", views.trace_detail, name="detail"),
    path("<str:trace_id>/export/", views.trace_export, name="export"),
    path("<str:trace_id>/verify/", views.trace_verify, name="verify"),
    path("<str:trace_id>/answer/", views.trace_answer, name="answer"),
]
