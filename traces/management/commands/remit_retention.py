"""`manage.py remit_retention`: drop values and messages older than REMIT_RETENTION_DAYS, or leave a month as a bundle."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import system_actor
from accounts.models import Workspace
from traces.archive import ArchiveRefused, archive_month
from traces.bundles.write import NothingToExport
from traces.checkpoints.errors import CheckpointFailed
from traces.notices.retention import drop_notices
from traces.redaction import apply_retention


class Command(BaseCommand):
    """Both are ledgered acts; records, heads and proofs stay."""

    help = "drop withheld values older than the retention, or archive a month"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="only this workspace; every one without it")
        parser.add_argument("--days", type=int, default=settings.REMIT_RETENTION_DAYS)
        parser.add_argument("--archive", metavar="MONTH", help="leave this month (2026-09) as a bundle in --out")
        parser.add_argument("--out", type=Path, help="folder for archived bundles")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        """What cannot be done ends with one sentence and exit code 1; workspaces done before it stay done."""
        workspaces = Workspace.objects.order_by("slug")
        if options["workspace"]:
            workspaces = workspaces.filter(slug=options["workspace"])
        if not workspaces.exists():
            raise CommandError(f"There is no workspace {options['workspace']}.")
        if options["archive"] and not options["out"]:
            raise CommandError("Say with --out where the bundles go.")
        done: dict[str, Any] = {}
        for workspace in workspaces:
            try:
                done[workspace.slug] = self._work(workspace, options)
            except (ArchiveRefused, NothingToExport, CheckpointFailed, ValueError, FileExistsError) as error:
                raise CommandError(f"{workspace.name}: {error}") from error
        self.stdout.write(json.dumps(done) if options["as_json"] else "\n".join(map(_line, done.items())))

    def _work(self, workspace: Workspace, options: dict[str, Any]) -> dict[str, Any]:
        actor = system_actor("retention", workspace.pk)
        if not options["archive"]:
            values = apply_retention(actor=actor, workspace_id=workspace.pk, days=options["days"])
            messages = drop_notices(actor=actor, workspace_id=workspace.pk, days=options["days"])
            return {**asdict(values), "messages": messages}
        out = options["out"] / f"{workspace.slug}-{options['archive']}.zip"
        options["out"].mkdir(parents=True, exist_ok=True)
        made = archive_month(actor=actor, workspace_id=workspace.pk, month=options["archive"], out=out)
        return {**asdict(made.dropped), "bundle": str(made.written.path), "manifest": made.written.manifest}


def _line(item: tuple[str, dict[str, Any]]) -> str:
    slug, done = item
    where = f"; bundle {done['bundle']}" if "bundle" in done else ""
    told = f" and {done['messages']} messages" if done.get("messages") else ""
    return f"{slug}: dropped {done['values']} values in {done['traces']} traces{told}{where}"
