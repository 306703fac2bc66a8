"""Connector kinds by name."""

from actions.connectors.agent.connector import AgentConnector
from actions.connectors.base import Connector
from actions.connectors.http.connector import HttpConnector
from actions.connectors.mcp.connector import McpConnector
from actions.connectors.records.connector import RecordsConnector

KINDS: dict[str, Connector] = {
    "agent": AgentConnector(), "http": HttpConnector(), "mcp": McpConnector(), "records": RecordsConnector(),
}  # fmt: skip


class UnknownKind(LookupError):
    """A connection of a kind this release does not have."""


def connector_for(kind: str) -> Connector:
    """Raises UnknownKind."""
    try:
        return KINDS[kind]
    except KeyError as error:
        raise UnknownKind(f"There is no connector of kind {kind!r}. Known: {', '.join(sorted(KINDS))}.") from error
