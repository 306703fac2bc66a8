"""`manage.py remit_setup`: brings the database to this release, then makes the sample world if it is empty."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Migrates, then seeds; safe to repeat at every start."""

    help = "migrate, then make the sample world if the database is empty"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """The last line of the output is what `remit_sample` printed."""
        call_command("migrate", verbosity=0)
        call_command("remit_sample", as_json=options["as_json"], stdout=self.stdout)
