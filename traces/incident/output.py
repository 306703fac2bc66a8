"""An incident as JSON (`remit.incident/1`) and its changes as CSV. Withheld values stand by their kind and commitment."""

from collections.abc import Iterable
from typing import Any

from accounts.clock import database_now
from accounts.models import Workspace
from traces.canonical import instant
from traces.filters import Filters
from traces.incident.gather import Told, Totals
from traces.tabular import change_rows, csv_text

MOST = 500


def changes_csv(told: Iterable[Told]) -> str:
    """One row a field, of every trace."""
    return csv_text(row for one in told for row in change_rows(one.story))


def document(
    workspace: Workspace, filters: Filters, title: str, counted: Totals, told: Iterable[Told]
) -> dict[str, Any]:
    """What the page says, for another program."""
    return {
        "schema": "remit.incident/1",
        "workspace": {"id": workspace.pk, "name": workspace.name},
        "made_at": instant(database_now()),
        "title": title,
        "filters": filters.active,
        "totals": {"traces": counted.traces, "hidden": counted.hidden, "by_outcome": dict(counted.by_outcome)},
        "traces": [_trace(one) for one in told],
    }


def _trace(one: Told) -> dict[str, Any]:
    story = one.story
    return {
        "trace": story.trace_id,
        "title": story.title,
        "started_at": instant(story.started_at),
        "outcome": story.outcome,
        "ledger": {"holds": one.integrity.ok, "records": one.integrity.records, "head": one.integrity.head},
        "withheld_values": one.withheld,
        "brief": [{"question": line.question, "answer": line.sentence} for line in story.brief],
        "what_to_do_now": [todo.sentence for todo in story.todos],
        "changes": [dict(record) for record in story.changes],
    }
