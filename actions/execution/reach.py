"""Opens a connection for one attempt: unseals its secret in memory and picks the connector of its kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.egress import EgressRefused, check_base_url
from actions.connectors.base import ConnectionInfo, Connector
from actions.connectors.http.connector import auth_of
from actions.connectors.mcp.connector import McpConnector
from actions.connectors.operation import Operation, OperationError, check_class, parse_operation
from actions.connectors.registry import UnknownKind, connector_for
from actions.definition import Definition
from actions.execution.commands import BadCommands, command_for, pinned_command
from actions.execution.lease import Bound
from actions.models import Connection, Tool
from actions.sealing import SealBroken, unseal


class OutOfReach(Exception):
    """The connection or the tool's operation cannot be used; nothing was sent (P5)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything one attempt needs to talk to one system. Hold it no longer than the attempt."""

    info: ConnectionInfo
    connector: Connector
    operation: Operation
    definition: Definition
    # The bound of the attempt it was opened for, if any: whatever looks on its way stays inside.
    within: Bound | None = None

    @property
    def upstream(self) -> McpConnector | None:
        """The connector, where its tools are an MCP server's."""
        return self.connector if isinstance(self.connector, McpConnector) else None


def check_operation(operation: Mapping[str, Any]) -> None:
    """Whether a tool's operation section can be used at all, for those who load tools. Raises OutOfReach."""
    try:
        check_class(parse_operation(operation))
    except OperationError as error:
        raise OutOfReach(str(error)) from error


def checked_options(kind: str, base_url: str, options: Mapping[str, Any], *, workspace: str) -> dict[str, Any]:
    """The options of a connection that can be used, as they are kept. Raises OutOfReach."""
    try:
        connector_for(kind)
        if kind == "mcp" and "command" in options:
            return _program(base_url, options, workspace)
        if kind in {"http", "mcp"}:
            auth_of(options)
        elif options:
            raise OutOfReach(f"A connection of kind {kind} has no options.")
        if kind == "agent" and base_url:
            raise OutOfReach("A connection of kind agent has no address: the agent's tools run where the agent runs.")
        if kind != "agent":
            check_base_url(base_url)
    except (UnknownKind, OperationError, EgressRefused, BadCommands) as error:
        raise OutOfReach(str(error)) from error
    return dict(options)


def _program(base_url: str, options: Mapping[str, Any], workspace: str) -> dict[str, Any]:
    """Raises OutOfReach or BadCommands."""
    if base_url or set(options) - {"command", "command_digest"}:
        raise OutOfReach("options.command: a program has no address and no sign-in of its own. Name only the command.")
    return pinned_command(options, workspace)


def info_of(connection: Connection) -> ConnectionInfo:
    """The connection opened for one attempt. Raises SealBroken, BadCommands."""
    program = connection.kind == "mcp" and "command" in connection.options
    return ConnectionInfo(
        slug=connection.slug,
        kind=connection.kind,
        base_url=connection.base_url,
        client_id=connection.client_id,
        client_secret=unseal(connection.sealed_secret),
        allow_private=connection.allow_private,
        options=connection.options,
        id=connection.pk,
        command=command_for(connection.options, connection.workspace.slug) if program else None,
    )


def reach(tool: Tool, redact: Mapping[str, str] | None = None, within: Bound | None = None) -> Reach:
    """Everything an attempt with this tool needs; `redact` is what policy redacts of its values. Raises OutOfReach."""
    connection, definition = tool.connection, Definition(tool.definition, redact or {})
    try:
        info = info_of(connection)
        return Reach(info, connector_for(connection.kind), parse_operation(definition.operation), definition, within)
    except (SealBroken, UnknownKind, OperationError, BadCommands) as error:
        raise OutOfReach(str(error)) from error
