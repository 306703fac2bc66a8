"""What would take a call back, worked out from what it did when it succeeded: fields to restore, or another call. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from actions.definition import Definition

Inverse = dict[str, Any]
_WHOLE = re.compile(r"\{(\w+)\}\Z")


def inverse_of(
    definition: Definition,
    changes: Iterable[Mapping[str, Any]],
    arguments: Mapping[str, Any],
    remote_id: str,
    *,
    undoes: bool,
) -> Inverse | None:
    """The inverse of a call that succeeded; None for a read. One that undoes another has none (P10: undone once).

    `{how: restore, rows, stays}` (each row from what was written back to what stood there; `stays`: fields that did not
    exist before), `{how: call, tool, arguments}` (a compensation), or `{how: none, why}`.
    """
    if definition.reads_only:
        return None
    if undoes:
        return {"how": "none", "why": UNDOES}
    if definition.reversibility == "reversible":
        return _restore(list(changes))
    if definition.compensate:
        return _call(definition.compensate, {**arguments, **({"id": remote_id} if remote_id else {})})
    return {"how": "none", "why": NEEDS_ACTION if definition.reversibility == "compensable" else FOR_GOOD}


NEEDS_ACTION = "It needs a new action, which somebody has to think of: the tool names none."
UNDOES = "It is itself a rollback. To have the change again, ask for it again."
FOR_GOOD = "It cannot be taken back."
NOTHING_OLD = "Nothing stood there before, so there is nothing to restore."


def _restore(changes: list[Mapping[str, Any]]) -> Inverse:
    rows = [
        {"field": row["field"], "kind": "changed", "old": row["new"], "new": row["old"]}
        for row in changes
        if row["kind"] == "changed" and row["new"] != row["old"]
    ]
    stays = [str(row["field"]) for row in changes if row["kind"] == "added"]
    return {"how": "restore", "rows": rows, "stays": stays} if rows else {"how": "none", "why": NOTHING_OLD}


def _call(spec: Mapping[str, Any], values: Mapping[str, Any]) -> Inverse:
    """The compensating call, its placeholders filled by what was sent and by the id of what came of it."""
    filled, missing = {}, []
    for name, value in spec["arguments"].items():
        placeholder = _WHOLE.match(value) if isinstance(value, str) else None
        if placeholder and placeholder[1] not in values:
            missing.append(placeholder[1])
        filled[name] = values.get(placeholder[1]) if placeholder else value
    if missing:
        return {"how": "none", "why": f"The call that makes up for it needs {', '.join(missing)}, which is not known."}
    return {"how": "call", "tool": spec["tool"], "arguments": filled}


def undo_told(definition: Definition, changes: Iterable[Mapping[str, Any]], *, undoes: bool) -> tuple[str, str]:
    """Whether a call can be undone, as `(answer, detail)`, for whoever decides on it: said before, not after."""
    if undoes:
        return "No", UNDOES
    stays = definition.cannot_undo
    detail = f" What stays: {stays}" if stays else ""
    if definition.reversibility == "irreversible":
        return "No", f"It cannot be taken back.{detail}"
    if definition.reversibility == "compensable":
        how = f"A new action makes up for it: {definition.compensate['tool']}." if definition.compensate else ""
        return "Not by itself", f"{how or 'A new action is needed to make up for it.'}{detail}"
    added = sorted(row["field"] for row in changes if row["kind"] == "added")
    if added:
        return "In part", f"Nothing stood in {', '.join(added)} before, so nothing can be restored there.{detail}"
    return "Yes", f"Fields can be restored.{detail}"
