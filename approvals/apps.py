"""The approvals app."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    label = "approvals"

    def ready(self) -> None:
        from approvals.resumed import describe_forms  # Models can be imported only once all apps are ready.

        describe_forms()
