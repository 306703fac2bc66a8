"""`manage.py remit_export OUT`: a signed bundle of a trace, a workspace or everything (docs/ledger.md)."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.models import Workspace
from traces.bundles.write import NothingToExport, Written, write_deployment, write_traces, write_workspace
from traces.checkpoints.errors import CheckpointFailed
from traces.models import Trace
from traces.services import record_export


class Command(BaseCommand):
    """Writes a folder, or a .zip when OUT ends so."""

    help = "write a signed export bundle"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("out", type=Path)
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--all", action="store_true", help="every workspace and the registry")
        scope.add_argument("--workspace", metavar="SLUG")
        scope.add_argument("--trace", metavar="ID")
        parser.add_argument(
            "--with-values", action="store_true", help="withheld values too, for those entitled to them"
        )
        parser.add_argument(
            "--since", type=int, action="append", default=[], help="also prove growth from this tree size"
        )
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """What cannot be exported ends with one sentence and exit code 1."""
        try:
            written = self._write(options)
        except FileExistsError as error:
            raise CommandError(f"{options['out']} exists already.") from error
        except (NothingToExport, CheckpointFailed, LookupError) as error:
            raise CommandError(str(error)) from error
        if written.warning:
            self.stderr.write(f"This bundle may not verify. {written.warning}")
        told = {"bundle": str(written.path), "manifest": written.manifest, "warning": written.warning}
        self.stdout.write(json.dumps(told) if options["as_json"] else f"Wrote {written.path}")

    def _write(self, options: dict[str, Any]) -> Written:
        out, values = options["out"], options["with_values"]
        if options["all"]:
            for each in Workspace.objects.order_by("pk"):
                _note(each.pk, values, {"all": True})
            return write_deployment(out, with_values=values)
        if options["trace"]:
            trace = Trace.objects.filter(pk=options["trace"]).first()
            if trace is None:
                raise CommandError(f"There is no trace {options['trace']}.")
            _note(trace.workspace_id, values, {"trace": trace.pk})
            return write_traces(out, trace.workspace_id, [trace.pk], with_values=values, since=options["since"])
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        _note(workspace.pk, values, {})
        return write_workspace(out, workspace.pk, with_values=values)


def _note(workspace_id: str, values: bool, about: dict[str, Any]) -> None:
    """Before the bundle is written, so that none leaves without its line in the audit log; the line is in it."""
    actor = system_actor("operator", workspace_id)
    form = "bundle with values" if values else "bundle"
    record_export(
        actor=actor, workspace_id=workspace_id, of="trace" if "trace" in about else "ledger", form=form, about=about
    )
