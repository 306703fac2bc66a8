"""Pages that change actions: edit a pending payload, roll back."""

from django.urls import path

from actions import views

app_name = "actions"
urlpatterns = [
    path("approvals/<str:request_id>/edit/", views.edit, name="edit"),
    path("traces/<str:trace_id>/roll-back/", views.rollback, name="rollback"),
]
