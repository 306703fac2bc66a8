"""Under /me/: a person's own factors, and the step-up page. Joined into the approvals' names."""

from django.urls import path

from approvals.stepup import views

urlpatterns = [
    path("security/", views.security, name="security"),
    path("security/app/", views.begin_app, name="begin_app"),
    path("security/app/confirm/", views.confirm_app, name="confirm_app"),
    path("security/passkey/options/", views.passkey_options, name="passkey_options"),
    path("security/passkey/", views.add_passkey, name="add_passkey"),
    path("security/codes/", views.codes, name="codes"),
    path("security/<str:factor_id>/rename/", views.rename, name="rename_factor"),
    path("security/<str:factor_id>/remove/", views.remove, name="remove_factor"),
    path("step-up/", views.step_up, name="step_up"),
    path("step-up/options/", views.step_up_options, name="step_up_options"),
]
