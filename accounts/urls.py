"""Sign in, sign out, switch workspace, and what a person allowed apps."""

from django.urls import path

from accounts import views
from accounts.consents import views as consents

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("resume/", views.resume, name="resume"),
    path("resume/discard/", views.discard_kept, name="discard_kept"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("me/apps/", consents.apps, name="apps"),
    path("me/apps/<str:consent_id>/end/", consents.end, name="end_app"),
    path("workspace/", views.switch_workspace, name="switch_workspace"),
]
