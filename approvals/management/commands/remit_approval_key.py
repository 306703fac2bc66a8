"""`manage.py remit_approval_key show|rotate`: the keys that sign verdicts. Rotating needs REMIT_APPROVAL_SECRET."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from approvals.models import ApprovalKey
from approvals.signing import ApprovalSignerMissing, rotate_approval_key
from traces.canonical import instant


class Command(BaseCommand):
    """Shows public keys, to be pinned in REMIT_APPROVAL_KEYS where actions run."""

    help = "show or rotate the keys that sign verdicts"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["show", "rotate"])
        parser.add_argument("--reason", default="")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """A rotation needs a reason; it is written in every workspace's governance chain."""
        if options["verb"] == "rotate":
            if not options["reason"].strip():
                raise CommandError("Say with --reason why the key changes.")
            try:
                rotate_approval_key(actor=system_actor("setup", ""), reason=options["reason"])
            except ApprovalSignerMissing as error:
                raise CommandError(str(error)) from error
        keys = ApprovalKey.objects.order_by("number")
        rows = [{"number": key.number, "public": key.public, "from": instant(key.created_at)} for key in keys]
        lines = "\n".join(f"key {row['number']} from {row['from']} {row['public']}" for row in rows)
        self.stdout.write(json.dumps(rows) if options["as_json"] else lines)
