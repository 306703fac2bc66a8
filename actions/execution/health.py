"""Whether a connection works: a short-lived credential is asked for and ended; no record is read or written."""

import re
from dataclasses import dataclass

from django.conf import settings

from actions.connectors.base import ConnectionInfo, Connector, CredentialError, ReadFailed, RecordGone
from actions.connectors.http.connector import auth_of
from actions.connectors.operation import OperationError, parse_operation
from actions.connectors.registry import UnknownKind, connector_for
from actions.definition import Definition
from actions.execution.commands import BadCommands
from actions.execution.lease import Bound
from actions.execution.listing import server_tools
from actions.execution.preview import LOOK_S
from actions.execution.reach import OutOfReach, info_of
from actions.models import Connection
from actions.sealing import SealBroken

REFERENCE = "health"
# Named where no credential is asked for.
UNUSED = "read"
_ANSWERED = re.compile(r"the system answered (something unreadable|\d+)")


@dataclass(frozen=True, slots=True)
class Health:
    """What was found, in a sentence."""

    ok: bool
    sentence: str


def look_at(connection: Connection) -> Health:
    """Never raises for what the system does: what does not work is what was found."""
    if connection.kind == "agent":
        return Health(True, "Its tools run where the agent runs, so there is nothing to look at.")
    if connection.kind == "mcp":
        return _listing(connection)
    try:
        scope = _scope(connection) or (UNUSED if _is_free(connection) else None)
        if scope is None:
            return Health(False, "No tool uses it, so there is nothing to ask a credential for.")
        return _tried(connector_for(connection.kind), info_of(connection), scope)
    except (SealBroken, UnknownKind, OperationError, CredentialError, BadCommands) as error:
        return Health(False, str(error))


def _listing(connection: Connection) -> Health:
    """An MCP server works when it lists its tools; that asks nothing of anybody's records."""
    try:
        return Health(True, f"It lists {len(server_tools(connection))} tools.")
    except OutOfReach as error:
        return Health(False, str(error))


def _scope(connection: Connection) -> str | None:
    """The scope of the first of its tools that reads; else of one that writes."""
    found = [parse_operation(Definition(tool.definition).operation) for tool in connection.tools.all()]
    effects = sorted(found, key=lambda operation: operation.has_effect)
    return next((operation.scope for operation in effects), None)


def _is_free(connection: Connection) -> bool:
    """Whether its sign-in asks nobody for a credential, so that it can be tried before it has a tool."""
    return connection.kind == "http" and auth_of(connection.options).kind != "client_credentials"


def _tried(connector: Connector, info: ConnectionInfo, scope: str) -> Health:
    timeout_s, ttl_s = Bound.after(LOOK_S).asking()
    credential = connector.mint(
        info, scope=(scope,), record=None, ttl_s=ttl_s, reference=REFERENCE, timeout_s=timeout_s
    )
    if not credential.standing:
        ended = connector.revoke(info, credential)
        return Health(
            True, "It gave a short-lived credential" + (" and ended it." if ended else "; it expires by itself.")
        )
    try:
        connector.read(info, "/", credential, timeout_s=settings.REMIT_CALL_TIMEOUT_S)
    except RecordGone:
        pass
    except ReadFailed as error:
        said = _ANSWERED.search(str(error))
        if said is None or said[1] in {"401", "403"}:
            return Health(False, str(error))
    return Health(True, "It answers. Its standing secret is not refused; whether it may do more, only a call shows.")
