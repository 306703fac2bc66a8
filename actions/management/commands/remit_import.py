"""`manage.py remit_import list|load SLUG --workspace SLUG`: what a connection's system offers as tools, and importing some."""

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor, system_actor
from actions.importing import ImportRefused, import_tools, list_tools, read_document
from actions.models import Connection, Listing
from actions.offers import Choice, Offer
from actions.tool_versions import blocked_names

SAYS = {"effect_class", "reversibility", "error_is_no_effect", "dry_run", "look"}


class Command(BaseCommand):
    """Reads what is offered, or imports what a file says of it."""

    help = "list what an MCP server or an OpenAPI document offers as tools, and import some of it"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["list", "load"])
        parser.add_argument("slug", help="the connection")
        parser.add_argument("--workspace", required=True)
        parser.add_argument("--document", type=Path, help="list: an OpenAPI document, for a connection of kind http")
        parser.add_argument(
            "--choices",
            type=Path,
            help="load: YAML, by offer: effect_class, reversibility, look, dry_run, error_is_no_effect",
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """What cannot be done ends with one sentence and exit code 1; what drifted is told with exit code 3."""
        found = Connection.objects.select_related("workspace")
        connection = found.filter(workspace__slug=options["workspace"], slug=options["slug"]).first()
        if connection is None:
            raise CommandError(f"{options['workspace']} has no connection {options['slug']}.")
        actor = system_actor("setup", connection.workspace_id)
        try:
            told = (
                self._load(actor, connection, options)
                if options["verb"] == "load"
                else _list(actor, connection, options)
            )
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from error
        self.stdout.write(json.dumps(told) if options["as_json"] else "\n".join(told["lines"]))
        if told.get("moved"):
            raise CommandError(" ".join(told["moved"]), returncode=3)

    def _load(self, actor: Actor, connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
        listing = Listing.objects.filter(connection=connection).first()
        if listing is None:
            raise CommandError("Nobody has read what it offers. List it first, and read it.")
        choices = _choices(options["choices"])
        tools = import_tools(actor=actor, connection=connection, digest=listing.digest, choices=choices)
        blocked = blocked_names(connection.workspace)
        told = {tool.name: "blocked until an admin decides" if tool.name in blocked else "in force" for tool in tools}
        return {"tools": told, "lines": [f"{name}  {word}" for name, word in told.items()]}


def _list(actor: Actor, connection: Connection, options: dict[str, Any]) -> dict[str, Any]:
    if options["document"] is not None:
        try:
            text = options["document"].read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise CommandError(f"--document: Byte {error.start} is not UTF-8. Save the document as UTF-8.") from error
        listing = read_document(actor=actor, connection=connection, text=text)
    else:
        listing = list_tools(actor=actor, connection=connection)
    offers = listing.offers
    lines = [f"{offer.key}  {offer.problem or _usable(offer)}" for offer in offers]
    return {
        "digest": listing.digest, "moved": listing.moved, "lines": lines, "offers": [one.to_json() for one in offers],
    }  # fmt: skip


def _usable(offer: Offer) -> str:
    looks = f"; look: {', '.join(offer.looks)}" if offer.looks else ""
    return f"can be imported as {offer.name}{looks}"


def _choices(file: Path | None) -> dict[str, Choice]:
    """Raises CommandError naming the offer and the field."""
    if file is None:
        raise CommandError("--choices: name the file that says what each tool does.")
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CommandError(f"{file} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise CommandError(f"{file}: name each offer, and under it effect_class and reversibility.")
    return {str(key): _choice(str(key), said) for key, said in data.items()}


def _choice(key: str, said: Any) -> Choice:
    if not isinstance(said, dict) or not {"effect_class", "reversibility"} <= set(said) or set(said) - SAYS:
        raise CommandError(f"{key}: say effect_class and reversibility, and nothing but {', '.join(sorted(SAYS))}.")
    return Choice(**said)
