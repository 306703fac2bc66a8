"""Asks an MCP server what it lists now, under a credential of its own for that one question."""

from typing import Any

from accounts.room import left
from actions.connectors.base import ConnectionInfo, CredentialError, ReadFailed
from actions.connectors.mcp.connector import McpConnector
from actions.connectors.registry import UnknownKind, connector_for
from actions.execution.commands import BadCommands
from actions.execution.lease import Bound
from actions.execution.preview import LOOK_S
from actions.execution.reach import OutOfReach, info_of
from actions.models import Connection
from actions.sealing import SealBroken

SCOPE = "mcp:call"


def server_tools(connection: Connection) -> dict[str, dict[str, Any]]:
    """Every tool the server lists now, by name. Raises OutOfReach with a sentence."""
    try:
        connector = connector_for(connection.kind)
        if not isinstance(connector, McpConnector):
            raise OutOfReach(f"{connection.slug} is no MCP server, so it lists no tools.")
        return list_with(connector, info_of(connection), SCOPE, Bound.after(LOOK_S), connection.slug)
    except (SealBroken, UnknownKind, BadCommands, CredentialError, ReadFailed) as error:
        raise OutOfReach(str(error)) from error


def list_with(
    connector: McpConnector, info: ConnectionInfo, scope: str, within: Bound, reference: str
) -> dict[str, dict[str, Any]]:
    asked_s, ttl_s = within.asking()
    with left():
        credential = connector.mint(
            info, scope=(scope,), record=None, ttl_s=ttl_s, reference=reference, timeout_s=asked_s
        )
        try:
            return connector.list_tools(info, credential, timeout_s=within.timeout_s())
        finally:
            connector.revoke(info, credential)
