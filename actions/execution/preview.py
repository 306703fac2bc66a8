"""Reads a target record before anything is decided, under a credential that can only read that record."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from actions.connectors.base import CredentialError, ReadFailed, Snapshot
from actions.connectors.operation import OperationError, fill
from actions.execution.reach import OutOfReach, Reach, reach
from actions.models import Tool
from traces.canonical import instant

READ_TTL_S = 30


class PreviewFailed(Exception):
    """The target could not be read, so nothing may be decided in its favour (P5)."""


def read_target(tool: Tool, arguments: Mapping[str, Any], *, reference: str) -> dict[str, Any] | None:
    """The before-image of the call's target as stored: `{record_id, path, version, fields, read_at}`.

    None where the operation has no target. Raises PreviewFailed.
    """
    try:
        way = reach(tool)
        if way.operation.read is None or way.operation.read.rows:
            return None  # Nothing to read first: no target, or a search, whose rows are judged one by one.
        return stored(read_once(way, arguments, reference=reference))
    except (OutOfReach, OperationError, CredentialError, ReadFailed) as error:
        raise PreviewFailed(f"{tool.connection.name} could not be read. {error}") from error


def read_once(way: Reach, arguments: Mapping[str, Any], *, reference: str) -> Snapshot:
    """One read under a fresh read-only credential bound to the record, revoked before returning.

    Raises OperationError, CredentialError or ReadFailed.
    """
    read = way.operation.read
    if read is None:
        raise OperationError("This operation has no target to read.")
    path = fill(read.path, arguments)
    credential = way.connector.mint(way.info, scope=(read.scope,), record=path, ttl_s=READ_TTL_S, reference=reference)
    try:
        return way.connector.read(way.info, path, credential, timeout_s=settings.REMIT_CALL_TIMEOUT_S)
    finally:
        way.connector.revoke(way.info, credential)


def stored(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as the action row keeps it."""
    return {
        "record_id": snapshot.record_id,
        "path": snapshot.path,
        "version": snapshot.version,
        "fields": dict(snapshot.fields),
        "read_at": instant(snapshot.read_at),
    }
