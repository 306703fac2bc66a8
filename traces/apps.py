"""The ledger app."""

from django.apps import AppConfig


class TracesConfig(AppConfig):
    name = "traces"
    label = "traces"
