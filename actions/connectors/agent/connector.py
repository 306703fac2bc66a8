"""The kind of connection whose tools an agent runs itself. There is nothing to open, so whatever tries is refused (P5)."""

from collections.abc import Mapping, Sequence
from typing import Any

from actions.connectors.base import ConnectionInfo, Credential, CredentialError, Outcome, ReadFailed, Sent, Snapshot
from actions.connectors.operation import Operation, OperationError

REFUSED = "The agent does this itself; Remit has no way to its system."


class AgentConnector:
    """Implements `actions.connectors.base.Connector` by refusing: no credential exists, so nothing can be sent."""

    def asks_nobody(self, info: ConnectionInfo) -> bool:
        return False

    def mint(
        self,
        info: ConnectionInfo,
        *,
        scope: Sequence[str],
        record: str | None,
        ttl_s: int,
        reference: str,
        timeout_s: float,
    ) -> Credential:
        """Raises CredentialError."""
        raise CredentialError(REFUSED)

    def revoke(self, info: ConnectionInfo, credential: Credential) -> bool:
        """Nothing was minted, so nothing is confirmed."""
        return False

    def read(self, info: ConnectionInfo, path: str, credential: Credential, *, timeout_s: float) -> Snapshot:
        """Raises ReadFailed."""
        raise ReadFailed(REFUSED)

    def compose(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        fields: Mapping[str, Any],
        *,
        version: str | None,
        idempotency_key: str,
        action_id: str,
    ) -> Sent:
        """Raises OperationError."""
        raise OperationError(REFUSED)

    def dispatch(
        self, info: ConnectionInfo, operation: Operation, sent: Sent, credential: Credential, *, timeout_s: float
    ) -> Outcome:
        """Nothing left: the proof of no effect is that there was nowhere to send it."""
        return Outcome("no_effect", None, None, REFUSED, 0)

    def look_up(
        self,
        info: ConnectionInfo,
        operation: Operation,
        arguments: Mapping[str, Any],
        reference: str,
        credential: Credential,
        *,
        timeout_s: float,
    ) -> tuple[Mapping[str, Any], ...]:
        """Raises ReadFailed."""
        raise ReadFailed(REFUSED)
