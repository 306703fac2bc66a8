"""The audit log as a file. Each export is an act of its own and stands in the log."""

import json
from collections.abc import Sequence

from django.db import transaction

from accounts.actors import Actor
from accounts.models import User, Workspace
from traces.audit.acts import Act
from traces.audit.listing import Filters, exported
from traces.canonical import instant
from traces.services import record_governance
from traces.tabular import csv_text

COLUMNS = (
    "at",
    "who",
    "kind",
    "did",
    "type",
    "target",
    "changes",
    "facts",
    "address",
    "request",
    "trace",
    "seq",
    "hash",
)


def export(*, actor: Actor, user: User, workspace: Workspace, filters: Filters, form: str) -> tuple[str, bool]:
    """The text of a `csv` or `json` export, and whether it was cut. Raises Forbidden, NotVisible, ValueError for another form."""
    if form not in {"csv", "json"}:
        raise ValueError("An export is csv or json.")
    with transaction.atomic():
        acts, is_cut = exported(user, workspace, filters)
        body = {"format": form, "lines": len(acts), "filters": {**filters.active, "days": filters.days or "90"}}
        record_governance(actor=actor, workspace_id=workspace.pk, type="audit.exported", body=body)
    return (_csv(acts) if form == "csv" else _json(acts, is_cut)), is_cut


def _row(act: Act) -> dict[str, str]:
    return {
        "at": instant(act.at), "who": act.who, "kind": act.kind, "did": act.did, "type": act.type, "target": act.target,
        "changes": "; ".join(f"{one.field}: {one.old} -> {one.new}" for one in act.changes),
        "facts": "; ".join(f"{key}: {value}" for key, value in act.facts),
        "address": act.address, "request": act.request, "trace": act.trace, "seq": str(act.seq), "hash": act.hash,
    }  # fmt: skip


def _json(acts: Sequence[Act], is_cut: bool) -> str:
    rows = [_row(act) | {"changes": [[c.field, c.old, c.new] for c in act.changes]} for act in acts]
    return json.dumps({"complete": not is_cut, "acts": rows}, indent=1, ensure_ascii=False)


def _csv(acts: Sequence[Act]) -> str:
    return csv_text(([row[name] for name in COLUMNS] for row in map(_row, acts)), COLUMNS)
