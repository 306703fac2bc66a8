"""Reads a target record before anything is decided, under a credential that can only read that record."""

from collections.abc import Mapping
from typing import Any

from accounts.room import left
from actions.connectors.base import CredentialError, ReadFailed, Snapshot
from actions.connectors.operation import OperationError, fill
from actions.execution.lease import Bound
from actions.execution.reach import OutOfReach, Reach, reach
from actions.models import Tool
from traces.canonical import instant

# A look of its own: ten seconds for its credential, which then lives thirty.
LOOK_S = 41.0


class PreviewFailed(Exception):
    """The target could not be read, so nothing may be decided in its favour (P5)."""


def read_target(tool: Tool, arguments: Mapping[str, Any], *, reference: str) -> dict[str, Any] | None:
    """The before-image of the call's target as stored: `{record_id, path, version, fields, read_at}`.

    None where the operation has no target. Raises PreviewFailed.
    """
    try:
        way = reach(tool)
        if (way.operation.read is None and not dry_runs(way)) or (way.operation.read and way.operation.read.rows):
            return None  # Nothing to read first: no target, or a search, whose rows are judged one by one.
        with left():
            return stored(read_once(way, arguments, reference=reference))
    except (OutOfReach, OperationError, CredentialError, ReadFailed) as error:
        raise PreviewFailed(f"{tool.connection.name} could not be read. {error}") from error


def read_once(way: Reach, arguments: Mapping[str, Any], *, reference: str) -> Snapshot:
    """One read under a fresh read-only credential bound to the record, revoked before returning.

    Raises OperationError, CredentialError or ReadFailed.
    """
    if dry_runs(way):
        return _dry_run(way, arguments, reference)
    read = way.operation.read
    if read is None:
        raise OperationError("This operation has no target to read.")
    path = fill(read.path, arguments)
    return look(way, path, scope=read.scope, record=path, reference=reference)


def dry_runs(way: Reach) -> bool:
    """Whether the tool says what it would do before it does it."""
    return way.operation.call is not None and way.operation.call.has_dry_run


def _dry_run(way: Reach, arguments: Mapping[str, Any], reference: str) -> Snapshot:
    """What an MCP tool says it would do, in place of a record before it. Raises CredentialError or ReadFailed."""
    within, upstream = way.within or Bound.after(LOOK_S), way.upstream
    if upstream is None:
        raise ReadFailed("Only a tool of an MCP server has a dry run.")
    asked_s, ttl_s = within.asking()
    credential = way.connector.mint(
        way.info, scope=(way.operation.scope,), record=None, ttl_s=ttl_s, reference=reference, timeout_s=asked_s
    )
    try:
        return upstream.dry_run(way.info, way.operation, arguments, credential, timeout_s=within.timeout_s())
    finally:
        way.connector.revoke(way.info, credential)


def look(way: Reach, path: str, *, scope: str, record: str, reference: str) -> Snapshot:
    """One read of `path` under a fresh credential for one scope of one record, inside the attempt's bound where it is part of
    one. Raises CredentialError or ReadFailed.
    """
    within = way.within or Bound.after(LOOK_S)
    asked_s, ttl_s = within.asking()
    credential = way.connector.mint(
        way.info, scope=(scope,), record=record, ttl_s=ttl_s, reference=reference, timeout_s=asked_s
    )
    try:
        if within.timeout_s() <= 0:
            raise ReadFailed(f"{path} was not read: there was no time left for it.")
        return way.connector.read(way.info, path, credential, timeout_s=within.timeout_s())
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
