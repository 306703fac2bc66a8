"""`manage.py remit_checkpoint`: the checkpoint clock process. Looks twice a second whether a checkpoint is due, until stopped.

`--once` signs everything now; `--forget-witness NAME --reason …` moves a witness aside.
"""

import getpass
import json
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, close_old_connections

from accounts.actors import Actor
from traces.checkpoints.clock import Ticked, sign_due, tell_witnesses, tick
from traces.checkpoints.forget import ForgetRefused, forget_witness
from traces.checkpoints.witness import witnesses

TICK_S = 0.5


class Command(BaseCommand):
    """Ticks until SIGTERM or SIGINT."""

    help = "sign checkpoints every REMIT_CHECKPOINT_S seconds and tell witnesses"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="sign every log now, then end")
        parser.add_argument(
            "--forget-witness", metavar="NAME", help="move a witness aside that this database no longer fits"
        )
        parser.add_argument("--reason", default="", help="why a witness is forgotten")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """A tick that fails for the database is said and tried again; anything else ends the process visibly."""
        try:
            witnesses()
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["forget_witness"]:
            self._forget(options["forget_witness"], options["reason"])
            return
        if options["once"]:
            self._say(tick(force=True), as_json=options["as_json"])
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        # Witnesses have a thread of their own: one that hangs does not delay the next checkpoint.
        teller = threading.Thread(target=self._repeat, args=[tell_witnesses, stop], daemon=True)
        teller.start()
        self._repeat(sign_due, stop)

    def _forget(self, name: str, reason: str) -> None:
        actor = Actor("system", "system:checkpoint", f"{getpass.getuser()} at the command line", "")
        try:
            done = forget_witness(actor=actor, name=name, reason=reason)
        except ForgetRefused as error:
            raise CommandError(str(error)) from error
        where = f" What it held lies in {done.moved_to}." if done.moved_to else ""
        self.stdout.write(f"{done.witness} starts again with the next checkpoint.{where}")

    def _say(self, done: Ticked, *, as_json: bool) -> None:
        words = f"Signed {done.signed} checkpoints, {done.failed} failed, witnesses were told of {done.told}."
        self.stdout.write(json.dumps(asdict(done)) if as_json else words)
        if done.failed:
            raise CommandError("A log does not hold or cannot be signed; `remit_verify` says which.")

    def _repeat(self, work: Callable[[], object], stop: threading.Event) -> None:
        """Until stopped; anything but a database that does not answer ends the whole process, visibly."""
        try:
            while not stop.is_set():
                close_old_connections()
                try:
                    work()
                except OperationalError as error:
                    self.stderr.write(f"The database did not answer, so this tick was skipped: {error}")
                stop.wait(TICK_S)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
