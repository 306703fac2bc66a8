"""Opens a connection for one attempt: unseals its secret in memory and picks the connector of its kind."""

from dataclasses import dataclass

from actions.connectors.base import ConnectionInfo, Connector
from actions.connectors.operation import Operation, parse_operation
from actions.connectors.registry import connector_for
from actions.definition import Definition
from actions.models import Connection, Tool
from actions.sealing import unseal


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything one attempt needs to talk to one system."""

    info: ConnectionInfo
    connector: Connector
    operation: Operation
    definition: Definition


def reach(tool: Tool) -> Reach:
    """Raises SealBroken, UnknownKind or OperationError; all of them mean nothing is dispatched (P5)."""
    definition = Definition(tool.definition)
    connection = tool.connection
    return Reach(
        info=connection_info(connection),
        connector=connector_for(connection.kind),
        operation=parse_operation(definition.operation),
        definition=definition,
    )


def connection_info(connection: Connection) -> ConnectionInfo:
    """The connection with its secret open; hold it no longer than one attempt."""
    return ConnectionInfo(
        slug=connection.slug,
        kind=connection.kind,
        base_url=connection.base_url,
        client_id=connection.client_id,
        client_secret=unseal(connection.sealed_secret),
        allow_private=connection.allow_private,
    )
