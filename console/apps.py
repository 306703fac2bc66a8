"""The shell's app: makes the Celery application the current one in every process."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "console"
    label = "console"

    def ready(self) -> None:
        from console import (
            celery,  # noqa: F401 - the sender and the worker use the same application
            durability,  # noqa: F401 - registers its check
            telemetry,  # noqa: F401 - the worker's children begin and end with it
        )
