"""Approval pages. Editing lives in `actions.urls`, because an edit asks policy again."""

from django.urls import path

from approvals import views, views_batch, views_glass

app_name = "approvals"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("batch/", views_batch.batch, name="batch"),
    path("<str:request_id>/", views.review, name="review"),
    path("<str:request_id>/decide/", views.decide, name="decide"),
    path("<str:request_id>/break-glass/", views_glass.break_glass_, name="break_glass"),
    path("<str:request_id>/break-glass/review/", views_glass.glass_review, name="glass_review"),
    path("<str:request_id>/break-glass/review/confirm/", views_glass.glass_confirm, name="glass_confirm"),
]
