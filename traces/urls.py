"""Trace pages."""

from django.urls import path

from traces import views, views_list, views_reveal

app_name = "traces"
urlpatterns = [
    path("", views_list.trace_list, name="list"),
    path("views/save/", views_list.view_save, name="view_save"),
    path("views/<str:view_id>/remove/", views_list.view_remove, name="view_remove"),
    path("<str:trace_id>/", views.trace_detail, name="detail"),
    path("<str:trace_id>/export/", views.trace_export, name="export"),
    path("<str:trace_id>/outline/", views.trace_outline, name="outline"),
    path("<str:trace_id>/changes.csv", views.trace_changes_csv, name="changes_csv"),
    path("<str:trace_id>/raw/", views.trace_raw, name="raw"),
    path("<str:trace_id>/reveal/", views_reveal.trace_reveal, name="reveal"),
    path("<str:trace_id>/verify/", views.trace_verify, name="verify"),
    path("<str:trace_id>/answer/", views.trace_answer, name="answer"),
]
