"""What the system of record itself tells about who changed a record, where a tool says how to ask it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.connectors.base import CredentialError, ReadFailed
from actions.connectors.operation import OperationError, fill
from actions.execution.preview import look
from actions.execution.reach import OutOfReach, reach
from actions.models import Tool


@dataclass(frozen=True, slots=True)
class Told:
    """One change as the system tells it, in its own words; "" where it says nothing."""

    field: str
    new: Any
    when: str
    who: str


def told_by_system(tool: Tool, arguments: Mapping[str, Any], *, reference: str) -> tuple[Told, ...]:
    """The record's changes, oldest first; empty where the tool names no history or it cannot be read.

    It only explains: nothing is decided on it, so a history that cannot be read is no history.
    """
    try:
        way = reach(tool)
        history = way.operation.history
        if history is None or way.operation.read is None:
            return ()
        record, path = fill(way.operation.read.path, arguments), fill(history.path, arguments)
        body = look(way, path, scope=history.scope, record=record, reference=reference).fields
    except (OutOfReach, OperationError, CredentialError, ReadFailed):
        return ()
    rows = body.get(history.at)
    names = (history.field, history.new, history.when, history.who)
    return tuple(_told(row, *names) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _told(row: Mapping[str, Any], field: str, new: str, when: str, who: str) -> Told:
    return Told(str(row.get(field, "")), row.get(new), str(row.get(when, ""))[:60], str(row.get(who, ""))[:120])
