"""`manage.py remit_policy check|test|eval|publish FILE`."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.models import Workspace
from policies.engine.decide import decide
from policies.engine.document import Document, load
from policies.engine.problems import PolicyError
from policies.engine.selftest import request_from, run_tests
from policies.services import TestsFailed, publish_version


class Command(BaseCommand):
    """Checks, tests, evaluates and publishes policy documents."""

    help = "check, test, eval or publish a policy document (diff and replay are not in this release)"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["check", "test", "eval", "publish"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--workspace", default="")
        parser.add_argument("--message", default="Published from the command line")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Dispatch on the verb; a document that does not load exits 1 with every problem."""
        try:
            source = options["file"].read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        try:
            document = load(source)
        except PolicyError as error:
            self._say(options, {"problems": [str(problem) for problem in error.problems]}, str(error))
            raise SystemExit(1) from error
        getattr(self, f"_{options['verb']}")(document, source, options)

    def _say(self, options: dict[str, Any], data: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(data) if options["as_json"] else text)

    def _check(self, document: Document, source: str, options: dict[str, Any]) -> None:
        self._say(
            options, {"slug": document.slug, "digest": document.digest}, f"{document.slug} loads: {document.digest}"
        )

    def _test(self, document: Document, source: str, options: dict[str, Any]) -> None:
        results = run_tests(document)
        failed = [f"{r.name}: {r.failure}" for r in results if r.failure]
        passed = len(results) - len(failed)
        data = {"passed": passed, "failed": failed}
        self._say(options, data, "\n".join([*failed, f"{passed} passed, {len(failed)} failed"]))
        if failed:
            raise SystemExit(1)

    def _eval(self, document: Document, source: str, options: dict[str, Any]) -> None:
        """JSON Lines of requests in (the shape of a test's `given`), decisions out."""
        for line in sys.stdin:
            if line.strip():
                self.stdout.write(json.dumps(decide(document, request_from(json.loads(line))).to_json(), default=str))

    def _publish(self, document: Document, source: str, options: dict[str, Any]) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError("--workspace names no workspace.")
        try:
            actor = system_actor("setup", workspace.pk)
            version = publish_version(actor=actor, workspace=workspace, source=source, message=options["message"])
        except TestsFailed as error:
            raise CommandError(f"Not published. {error}") from error
        self._say(options, {"version": version.number, "digest": version.digest}, f"{version} is live.")
