"""Sign in, sign out, switch workspace."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("resume/", views.resume, name="resume"),
    path("resume/discard/", views.discard_kept, name="discard_kept"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("workspace/", views.switch_workspace, name="switch_workspace"),
]
