"""Channels, the delivery log, the egress list, and what a person is told of."""

from django.urls import path

from traces.notices import views, views_log

app_name = "notices"
urlpatterns = [
    path("me/notices/", views_log.mine, name="mine"),
    path("notices/", views.channel_list, name="list"),
    path("notices/log/", views_log.delivery_log, name="log"),
    path("notices/log/<str:delivery_id>/again/", views_log.again, name="again"),
    path("notices/hosts/", views_log.hosts, name="hosts"),
    path("notices/hosts/<str:host>/remove/", views_log.remove_host_, name="remove_host"),
    path("notices/new/<slug:kind>/", views.new, name="new"),
    path("notices/<str:channel_id>/", views.detail, name="detail"),
    path("notices/<str:channel_id>/test/", views.test, name="test"),
    path("notices/<str:channel_id>/pause/", views.pause, name="pause"),
    path("notices/<str:channel_id>/resume/", views.resume, name="resume"),
    path("notices/<str:channel_id>/rotate/", views.rotate, name="rotate"),
    path("notices/<str:channel_id>/remove/", views.remove, name="remove"),
]
