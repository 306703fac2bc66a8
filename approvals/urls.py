"""Approval pages and, under /me/, a person's own factors. Editing lives in `actions.urls`, because an edit asks policy again."""

from django.urls import include, path

from approvals import views, views_away, views_batch, views_confirm, views_glass, views_routes

app_name = "approvals"
urlpatterns = [
    path("me/", include("approvals.stepup.urls")),
    path("me/away/", views_away.away, name="away"),
    path("me/away/<str:delegation_id>/revoke/", views_away.revoke, name="revoke_delegation"),
    path("approvals/", views.queue, name="queue"),
    path("approvals/batch/", views_batch.batch, name="batch"),
    path("approvals/<str:request_id>/", views.review, name="review"),
    path("approvals/<str:request_id>/decide/", views.decide, name="decide"),
    path("approvals/<str:request_id>/ask/", views_routes.ask_changes, name="ask_changes"),
    path("approvals/<str:request_id>/snooze/", views_routes.snooze_, name="snooze"),
    path("approvals/<str:request_id>/wake/", views_routes.wake_, name="wake"),
    path("approvals/<str:request_id>/confirm/", views_confirm.confirm, name="confirm"),
    path("approvals/<str:request_id>/confirm/options/", views_confirm.confirm_options, name="confirm_options"),
    path("approvals/<str:request_id>/break-glass/", views_glass.break_glass_, name="break_glass"),
    path("approvals/<str:request_id>/break-glass/review/", views_glass.glass_review, name="glass_review"),
    path("approvals/<str:request_id>/break-glass/review/confirm/", views_glass.glass_confirm, name="glass_confirm"),
]
