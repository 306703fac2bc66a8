"""The notices app, inside the ledger's: it reads entries and writes none but those of its own verbs."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "traces.notices"
    label = "notices"
