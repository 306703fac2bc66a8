"""Field-by-field changes: proposed against the before-image, and observed after read-back. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from actions.definition import Definition
from policies.engine.currencies import money_text

Row = dict[str, Any]


def proposed_changes(
    definition: Definition,
    proposed: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    refused: Iterable[str],
    hidden: Mapping[str, str] | None = None,
) -> list[Row]:
    """One row a field: `{field, kind, old, new}`; a refused field keeps its old value and names what was denied.

    Of a removal also one for each field of the record that goes; `hidden` are those that are withheld: field -> kind.
    """
    before = {} if definition.creates or record is None else record
    rows = [
        _row(name, value, before, denied=name in set(refused)) for name, value in definition.fields(proposed).items()
    ]
    going = before if definition.removes else {}
    written = {row["field"] for row in rows}
    rows += [_going(name, value, hidden or {}) for name, value in going.items() if name not in written]
    return [_in_words(row, definition, proposed) for row in rows]


def _going(name: str, value: Any, hidden: Mapping[str, str]) -> Row:
    """A field that goes with its record. `withheld`: nobody listed it, so it is a commitment wherever the row is told."""
    row = {"field": name, "kind": "removed", "old": value, "new": None}
    return {**row, "withheld": hidden[name]} if name in hidden else row


def _row(name: str, value: Any, before: Mapping[str, Any], *, denied: bool) -> Row:
    old = before.get(name)
    if denied:
        return {"field": name, "kind": "kept_denied", "old": old, "new": old, "denied": value}
    if name not in before:
        return {"field": name, "kind": "added", "old": None, "new": value}
    return {"field": name, "kind": "unchanged" if old == value else "changed", "old": old, "new": value}


def _in_words(row: Row, definition: Definition, proposed: Mapping[str, Any]) -> Row:
    """An amount in minor units also as people read it."""
    spec, money = definition.data.get("money"), definition.money(proposed)
    return {**row, "note": money_text(*money)} if spec and money and row["field"] == spec["amount"] else row


def observed_changes(rows: Iterable[Row], results: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """The same rows with what was read back: `new` is what the system now holds, `verified` whether it is what was sent.

    A value that differs is never called verified; a declared normalisation is named in `note`.
    """
    return [_observed(row, results.get(row["field"])) for row in rows]


def _observed(row: Row, result: Mapping[str, Any] | None) -> Row:
    if row["kind"] == "kept_denied" or result is None:
        return row
    note = row.get("note", "")
    if result["normalised"]:
        note = "stored by the system in its own form"
    elif not result["matched"]:
        note = "the system holds something else than was sent"
    return {**row, "new": result["observed"], "sent": row["new"], "verified": bool(result["matched"]), "note": note}


def after_removal(rows: Iterable[Row], *, gone: bool) -> list[Row]:
    """The same rows once a second read showed whether the record is still there."""
    seen = {"verified": True} if gone else {"verified": False, "note": "still there when it was read back"}
    return [{**row, **seen} if row["kind"] == "removed" else row for row in rows]


def mismatches(rows: Iterable[Row]) -> list[str]:
    """Names of fields that read back different from what was sent."""
    return [row["field"] for row in rows if row.get("verified") is False]
