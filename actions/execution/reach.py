"""Opens a connection for one attempt: unseals its secret in memory and picks the connector of its kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.egress import EgressRefused, check_base_url
from actions.connectors.base import ConnectionInfo, Connector
from actions.connectors.http.connector import auth_of
from actions.connectors.operation import Operation, OperationError, check_class, parse_operation
from actions.connectors.registry import UnknownKind, connector_for
from actions.definition import Definition
from actions.execution.lease import Bound
from actions.models import Tool
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


def check_operation(operation: Mapping[str, Any]) -> None:
    """Whether a tool's operation section can be used at all, for those who load tools. Raises OutOfReach."""
    try:
        check_class(parse_operation(operation))
    except OperationError as error:
        raise OutOfReach(str(error)) from error


def check_connection(kind: str, base_url: str, options: Mapping[str, Any]) -> None:
    """Whether a connection of this kind can be used at all, for those who make them. Raises OutOfReach."""
    try:
        connector_for(kind)
        if kind == "http":
            auth_of(options)
        elif options:
            raise OutOfReach(f"A connection of kind {kind} has no options.")
        if kind == "agent" and base_url:
            raise OutOfReach("A connection of kind agent has no address: the agent's tools run where the agent runs.")
        if kind != "agent":
            check_base_url(base_url)
    except (UnknownKind, OperationError, EgressRefused) as error:
        raise OutOfReach(str(error)) from error


def reach(tool: Tool, redact: Mapping[str, str] | None = None, within: Bound | None = None) -> Reach:
    """Everything an attempt with this tool needs; `redact` is what policy redacts of its values. Raises OutOfReach."""
    connection, definition = tool.connection, Definition(tool.definition, redact or {})
    try:
        info = ConnectionInfo(
            slug=connection.slug,
            kind=connection.kind,
            base_url=connection.base_url,
            client_id=connection.client_id,
            client_secret=unseal(connection.sealed_secret),
            allow_private=connection.allow_private,
            options=connection.options,
        )
        return Reach(info, connector_for(connection.kind), parse_operation(definition.operation), definition, within)
    except (SealBroken, UnknownKind, OperationError) as error:
        raise OutOfReach(str(error)) from error
