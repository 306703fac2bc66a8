"""`manage.py remit_rotate_keys`: seals every stored secret with the newest key, so that the old one can be thrown away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actors import system_actor
from actions.connections import rotate_keys
from actions.sealing import SealBroken


class Command(BaseCommand):
    """Set REMIT_SECRET_KEY to the new key and REMIT_SECRET_KEY_OLD to the old one, restart, run this, drop the old one."""

    help = "seal connection secrets with the key in REMIT_SECRET_KEY"

    def handle(self, *args: Any, **options: Any) -> None:
        """All secrets or none; a secret that no key opens ends it with one sentence."""
        try:
            count = rotate_keys(actor=system_actor("rotate_keys", ""))
        except SealBroken as error:
            raise CommandError(f"{error} Nothing was changed. Put its key into REMIT_SECRET_KEY_OLD.") from error
        self.stdout.write(f"{count} secrets are sealed with the newest key. REMIT_SECRET_KEY_OLD can be emptied now.")
