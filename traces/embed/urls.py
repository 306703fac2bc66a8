"""What a link opens, and the page where a workspace says who may frame it."""

from django.urls import path

from traces.embed import views, views_settings

app_name = "embed"
urlpatterns = [
    path("show/<str:token>/", views.show, name="show"),
    path("show/<str:token>/answer/", views.answer, name="answer"),
    path("embedding/", views_settings.settings_page, name="settings"),
    path("embedding/origins/<str:origin_id>/remove/", views_settings.remove, name="remove_origin"),
    path("embedding/links/<str:link_id>/revoke/", views_settings.revoke, name="revoke_link"),
]
