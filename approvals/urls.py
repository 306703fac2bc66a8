"""Approval pages. Editing lives in `actions.urls`, because an edit asks policy again."""

from django.urls import path

from approvals import views, views_batch

app_name = "approvals"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("batch/", views_batch.batch, name="batch"),
    path("<str:request_id>/", views.review, name="review"),
    path("<str:request_id>/decide/", views.decide, name="decide"),
]
