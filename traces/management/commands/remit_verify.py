"""`manage.py remit_verify [BUNDLE…]`: the stranger's verifier; without a bundle, of what this database holds now."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Workspace
from traces.bundles.write import NothingToExport, write_deployment, write_workspace
from traces.checkpoints.errors import CheckpointFailed
from verify.remit_verify import main, verify


class Command(BaseCommand):
    """Runs `verify/remit_verify.py` on bundles, or exports one of now and runs it on that."""

    help = "check bundles, or this database's ledger, against checkpoints you hold"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bundle", nargs="*", type=Path)
        parser.add_argument("--anchor", action="append", default=[], type=Path)
        parser.add_argument("--key")
        parser.add_argument("--workspace", metavar="SLUG", help="only this workspace of the database")
        parser.add_argument("--batch", action=argparse.BooleanOptionalAction, default=False)
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 1 with the first bad record by name."""
        if options["bundle"]:
            given = [str(path) for path in options["bundle"]]
            given += [f"--anchor={path}" for path in options["anchor"]]
            given += [f"--key={options['key']}"] * (options["key"] is not None)
            given += ["--batch"] * options["batch"] + ["--json"] * options["as_json"]
            raise SystemExit(main(given))
        with tempfile.TemporaryDirectory() as folder:
            ok, sentence = self._now(Path(folder) / "now", options)
        if options["as_json"]:
            self.stdout.write(json.dumps({"ok": ok, "detail": sentence}))
        else:
            self.stdout.write(f"{'OK' if ok else 'FAIL'} {sentence}")
        if not ok:
            raise SystemExit(1)

    def _now(self, out: Path, options: dict[str, Any]) -> tuple[bool, str]:
        try:
            if options["workspace"] is None:
                written = write_deployment(out)
            else:
                written = write_workspace(out, self._workspace(options["workspace"]))
        except (CheckpointFailed, NothingToExport, LookupError) as error:
            return False, str(error)
        ok, sentence = verify(written.path, options["anchor"], options["key"])
        # A bundle of before may hold although the database of now does not.
        return (ok and not written.warning), (written.warning if ok and written.warning else sentence)

    def _workspace(self, slug: str) -> str:
        found = Workspace.objects.filter(slug=slug).values_list("pk", flat=True).first()
        if found is None:
            raise CommandError(f"There is no workspace {slug}.")
        return str(found)
