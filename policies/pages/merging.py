"""A draft beside what went live meanwhile: theirs, yours and the result, for touched cells only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.merge import Cell, Merged
from policies.pages.publishing import shown


@dataclass(frozen=True, slots=True)
class MergeRow:
    """One touched cell."""

    key: str
    label: str
    before: str
    theirs: str
    yours: str
    result: str
    conflict: bool
    choice: str


def merge_rows(merged: Merged, sent: Mapping[str, Any]) -> list[MergeRow]:
    """Conflicts first. `sent` has choices already made."""
    rows = [_row(cell, str(sent.get(f"choice:{cell.key}", ""))) for cell in merged.touched]
    return sorted(rows, key=lambda row: not row.conflict)


def _row(cell: Cell, choice: str) -> MergeRow:
    return MergeRow(
        key=cell.key, label=", ".join(part for part in cell.path if part != "roles"), before=_text(cell.base),
        theirs=_text(cell.theirs), yours=_text(cell.yours), result=_text(cell.result), conflict=cell.conflict, choice=choice,
    )  # fmt: skip


def _text(value: Any) -> str:
    return "not there" if value is None else shown(value)
