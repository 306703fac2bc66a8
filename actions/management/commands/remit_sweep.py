"""`manage.py remit_sweep`: the sweeper process. Runs a round every REMIT_SWEEP_S seconds until stopped.

Each hour it drops what opens nothing any more. Beside its rounds, in a thread of its own, it looks at MCP servers: one that hangs
keeps no round and no worker waiting.
"""

import json
import math
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections

from actions.spent import drop_spent
from actions.sweep import sweep
from actions.watch import watching

# How long a look under way may take to end when the sweeper is stopped.
LAST_S = 3
SPENT_S = 3600


class Command(BaseCommand):
    """Sweeps until SIGTERM or SIGINT."""

    help = "ring for waiting actions, end leases, expire approvals"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """A round that fails for the database is said and tried again; anything else ends the process visibly."""
        if options["once"]:
            self.stdout.write(json.dumps(asdict(sweep())))
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.sweep_until(stop)

    def sweep_until(self, stop: threading.Event) -> None:
        """Rounds, and the looks beside them."""
        watcher = threading.Thread(target=watching, args=(stop,), name="watcher", daemon=True)
        watcher.start()
        spent_at = -math.inf
        while not stop.is_set():
            self._round(sweep)
            if time.monotonic() - spent_at >= SPENT_S:
                spent_at = time.monotonic()
                self._round(drop_spent)
            stop.wait(settings.REMIT_SWEEP_S)
        watcher.join(LAST_S)

    def _round(self, work: Callable[[], object]) -> None:
        close_old_connections()
        try:
            work()
        except OperationalError as error:
            self.stderr.write(f"The database did not answer, so this round was skipped: {error}")
