"""`manage.py remit_notify`: the notices clock. Looks every REMIT_NOTICE_S seconds for something to say, until stopped."""

import json
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from traces.notices.clock import run, settle_now


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "tell people what the ledger recorded"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """A message that fails stays queued with its reason; it does not fail the command."""
        if options["once"]:
            tried = settle_now()
            self.stdout.write(json.dumps({"tried": tried}) if options["as_json"] else f"Tried {tried} messages.")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run(stop)
