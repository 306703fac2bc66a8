"""The app of links and frames, inside the ledger's: it shows traces and changes none."""

from django.apps import AppConfig


class EmbedConfig(AppConfig):
    name = "traces.embed"
    label = "embed"
