"""The floor: people, workspaces, agents, credentials. Imports no other app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"
