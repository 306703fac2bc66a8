"""The floor: people, workspaces, agents, credentials. Imports no other app."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    label = "accounts"

    def ready(self) -> None:
        """Grants follow the role table of the running release."""
        from accounts.grants import follow_roles  # Models can be imported only once all apps are ready.

        post_migrate.connect(follow_roles, sender=apps.get_app_config("guardian"))
