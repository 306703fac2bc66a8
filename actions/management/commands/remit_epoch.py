"""`manage.py remit_epoch show|bump`: which life of the database this is; after a failover, begin another (F-05)."""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor
from actions.epochs import EpochRefused, bump, current, doubt_earlier
from actions.models import Epoch


class Command(BaseCommand):
    """A promoted standby and another cluster are seen without it; it is for storage that was set back underneath."""

    help = "show the failover epoch, or begin another after commits may have been lost"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["show", "bump"])
        parser.add_argument("--reason", default="")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """When `bump` returns, nothing made before it can start without being found out about."""
        if options["verb"] == "bump":
            account = getpass.getuser()
            actor = Actor("system", "system:epoch", f"{account} at the command line", "")
            try:
                epoch = bump(actor=actor, reason=options["reason"])
            except EpochRefused as error:
                raise CommandError(str(error)) from error
        else:
            epoch = current()
        self._say(epoch, _doubted(epoch), as_json=options["as_json"])

    def _say(self, epoch: Epoch, doubted: int, *, as_json: bool) -> None:
        told = {"epoch": epoch.number, "system": epoch.system, "timeline": epoch.timeline, "reason": epoch.reason,
                "began_at": epoch.began_at.isoformat(), "in_doubt": doubted}  # fmt: skip
        line = f"Epoch {epoch.number} since {epoch.began_at:%Y-%m-%d %H:%M:%S} UTC: {epoch.reason}"
        words = f"{line}\n{doubted} actions are found out before anything of theirs is sent." if doubted else line
        self.stdout.write(json.dumps(told) if as_json else words)


def _doubted(epoch: Epoch) -> int:
    """All of them, batch by batch; one that another process moved meanwhile is not counted."""
    total = 0
    while found := doubt_earlier(epoch):
        total += found
    return total
