"""Rows as a table for spreadsheets, and the changes of a trace as such rows: one row a field. Pure.

A cell that a spreadsheet would run as a formula gets an apostrophe before it. Withheld values stand by their kind.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accounts.display.values import value_text
from traces.story import Story

COLUMNS = [
    "trace", "title", "asked by", "agent", "started at", "outcome", "step", "record type", "record", "record name",
    "happened", "field", "kind", "before", "after", "denied", "note",
]  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def change_rows(story: Story) -> list[list[Any]]:
    """Every changed, kept or refused field of one trace, in the order of COLUMNS."""
    head = [story.trace_id, story.title, story.asked_by, story.acted_by, story.started_at.isoformat(), story.outcome]
    return [head + _of_record(record) + _of_field(row) for record in story.changes for row in record["rows"]]


def _of_record(record: Mapping[str, Any]) -> list[Any]:
    happened = "yes" if record["happened"] else record["state_text"]
    return [record["step_n"], record["noun"], record["record_id"], record["name"], happened]


def _of_field(row: Mapping[str, Any]) -> list[Any]:
    return [row["field"], row["kind"], row["old"], row["new"], row["denied_value"], row["note"]]


def csv_text(rows: Iterable[Iterable[Any]], columns: Sequence[str] = COLUMNS) -> str:
    """RFC 4180 text with `columns` as its heading."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return made.getvalue()


def _cell(value: Any) -> str:
    text = value_text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
