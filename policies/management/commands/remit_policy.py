"""`manage.py remit_policy check|test|diff|eval|replay|publish`: policy as code.

Exit codes: 0 it holds, 1 the document fails, 2 the command was used wrongly or a file cannot be read, 3 `diff` found loosening,
4 `test` found no tests.
"""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from policies.commands import offline, online, replaying
from policies.commands.said import FAILED, OK, USAGE, Said, Stop, problems, read_document, stopped
from policies.engine.document import Document
from policies.engine.problems import PolicyError


class Command(BaseCommand):
    """Checks, tests, compares, evaluates, replays and publishes policy documents."""

    help = "check, test, diff, eval, replay or publish a policy document"
    # INVARIANT: check, test, diff and eval touch no database. Held by tests/policies/test_cli.py.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = _verb(verbs, "check", "whether it loads; with --workspace, every gate of publication")
        held = check.add_mutually_exclusive_group()
        held.add_argument("--workspace", default="")
        held.add_argument(
            "--tools", type=Path, action="append", default=[], help="hold expressions against this tool file"
        )
        test = _verb(verbs, "test", "run its own tests")
        test.add_argument("--allow-empty", action="store_true", help="a document without tests is no failure")
        diff = _verb(verbs, "diff", "what FILE allows more (+) and less (−) after the change", files=("old", "file"))
        diff.add_argument("--fail-on-loosening", action="store_true")
        _verb(verbs, "eval", "decide requests: JSON Lines in, one JSON a line out")
        replaying.add_arguments(_verb(verbs, "replay", "what it would have decided of past actions; calls no tool"))
        publish = _verb(verbs, "publish", "make it the live version of a workspace")
        publish.add_argument("--workspace", required=True)
        publish.add_argument("--message", default="Published from the command line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Dispatch on the verb; the exit code says how it went."""
        path: Path = options["file"]
        try:
            code = self._run(path, options)
        except PolicyError as error:
            code = self._say(problems(path, error), options)
        except Stop as error:
            self.stderr.write(str(error))
            code = USAGE if not options["as_json"] else self._say(stopped(path, error), options)
        except BrokenPipeError:
            # Whoever read the answers went away: not all were given, and what is left in the buffer has no reader either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = USAGE
        if code != OK:
            raise SystemExit(code)

    def _run(self, path: Path, options: dict[str, Any]) -> int:
        verb = options["verb"]
        if verb == "eval":
            options["as_json"] = True  # Whoever reads lines of JSON is not given anything else.
            return self._eval(read_document(path))
        if verb == "diff":
            return self._diff(options)
        if verb == "test":
            return self._say(offline.self_test(path, allow_empty=options["allow_empty"]), options)
        if verb == "check" and not options["workspace"]:
            return self._say(offline.check(path, options["tools"]), options)
        self.check()
        workspace = online.workspace_of(options["workspace"])
        if verb == "check":
            return self._say(online.check(path, workspace), options)
        if verb == "replay":
            return self._say(replaying.replay(path, workspace, options), options)
        return self._say(online.publish(path, workspace, options["message"]), options)

    def _diff(self, options: dict[str, Any]) -> int:
        try:
            old = read_document(options["old"])
        except PolicyError as error:
            return self._say(problems(options["old"], error), options)
        said = offline.diff(old, read_document(options["file"]), fail_on_loosening=options["fail_on_loosening"])
        return self._say(said, options)

    def _eval(self, document: Document) -> int:
        """Every line is answered as it is read; one bad line does not stop the rest."""
        fine = True
        for good, text in offline.evaluate(document, sys.stdin.buffer):
            self.stdout.write(text)
            fine = fine and good
        return OK if fine else FAILED

    def _say(self, said: Said, options: dict[str, Any]) -> int:
        self.stdout.write(json.dumps(said.data) if options["as_json"] else said.text)
        return said.code


def _verb(verbs: Any, name: str, words: str, *, files: tuple[str, ...] = ("file",)) -> ArgumentParser:
    made: ArgumentParser = verbs.add_parser(name, help=words)
    for file in files:
        made.add_argument(file, type=Path)
    made.add_argument("--json", action="store_true", dest="as_json")
    return made
