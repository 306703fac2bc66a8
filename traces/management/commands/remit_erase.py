"""`manage.py remit_erase SUBJECT --workspace SLUG --reason TEXT`: erase one person's withheld values; the proof stays."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.models import Workspace
from traces.redaction import erase_subject


class Command(BaseCommand):
    """Says what was dropped, never the subject."""

    help = "erase the withheld values of one person, by a value or a record id of theirs"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject")
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """One transaction; a workspace or subject that is not there ends with one sentence."""
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        try:
            done = erase_subject(
                actor=system_actor("erasure", workspace.pk), workspace_id=workspace.pk, subject=options["subject"],
                reason=options["reason"],
            )  # fmt: skip
        except ValueError as error:
            raise CommandError(str(error)) from error
        words = f"Erased {done.values} values in {done.traces} traces. The records and their proof stay."
        if done.under_way:
            calls = "1 call is" if done.under_way == 1 else f"{done.under_way} calls are"
            words += f" {calls} still under way: the sweeper erases what runs it when it has come to rest."
        self.stdout.write(json.dumps(asdict(done)) if options["as_json"] else words)
