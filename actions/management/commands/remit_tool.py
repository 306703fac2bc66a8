"""`manage.py remit_tool load FILE --workspace SLUG`: loads tool definitions."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.models import Workspace
from actions.tool_versions import blocked_names
from actions.tools import BadTool, load_tools

BLOCKED = "  changed: blocked until an admin decides on its page, or --approve"


class Command(BaseCommand):
    """Loads every tool of a file, or none of them."""

    help = "load tool definitions from a file into a workspace"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["load"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--workspace", required=True)
        parser.add_argument(
            "--approve", action="store_true", help="changed definitions come into force at once: you have read them"
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """A file that does not load ends with one sentence and exit code 1."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        try:
            text = options["file"].read_text(encoding="utf-8")
            actor = system_actor("setup", workspace.pk)
            tools = load_tools(actor=actor, workspace=workspace, text=text, approve=options["approve"])
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except BadTool as error:
            raise CommandError(str(error)) from error
        loaded = {tool.name: tool.digest for tool in tools}
        blocked = blocked_names(workspace)
        lines = "\n".join(f"{name} {digest}{BLOCKED * (name in blocked)}" for name, digest in loaded.items())
        self.stdout.write(json.dumps(loaded) if options["as_json"] else lines)
