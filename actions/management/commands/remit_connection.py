"""`manage.py remit_connection SLUG --workspace SLUG --kind http --base-url URL`: makes a connection; its secret comes by file."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.models import Workspace
from actions.connections import BadConnection, save_connection


class Command(BaseCommand):
    """Makes a connection, or points one elsewhere."""

    help = "make a connection to a system of record, or change one"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--workspace", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--kind", default="http")
        parser.add_argument("--base-url", default="", help="every kind but agent needs one")
        parser.add_argument("--link-url", default="")
        parser.add_argument("--client-id", default="")
        parser.add_argument(
            "--secret-file", type=Path, help="a file with the secret; otherwise REMIT_CONNECTION_SECRET"
        )
        parser.add_argument("--options", default="{}", help='JSON, such as {"auth": {"kind": "static"}}')
        parser.add_argument("--allow-private", action="store_true", help="let it resolve to a private address")
        parser.add_argument("--same-system", action="store_true", help="the address moved, the system did not")

    def handle(self, *args: Any, **options: Any) -> None:
        """A secret never stands on a command line, where other processes can read it."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        try:
            made = save_connection(
                actor=system_actor("setup", workspace.pk), workspace=workspace, slug=options["slug"],
                name=options["name"] or options["slug"], kind=options["kind"], base_url=options["base_url"],
                link_url=options["link_url"], client_id=options["client_id"], client_secret=_secret(options),
                allow_private=options["allow_private"], options=_object(options["options"]),
                same_system=options["same_system"],
            )  # fmt: skip
        except BadConnection as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.slug} {made.pk}")


def _secret(options: dict[str, Any]) -> str:
    if options["secret_file"] is None:
        return os.environ.get("REMIT_CONNECTION_SECRET", "")
    try:
        return str(options["secret_file"].read_text(encoding="utf-8")).strip()
    except OSError as error:
        raise CommandError(f"{options['secret_file']} cannot be read: {error.strerror}.") from error


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--options is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CommandError("--options is not an object.")
    return found
