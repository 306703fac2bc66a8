"""What every connector offers, and the values that cross its border. No Django, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from actions.connectors.operation import Operation


class CredentialError(Exception):
    """No credential exactly as narrow as asked for could be minted; nothing may be sent (F14)."""


class ReadFailed(Exception):
    """The record could not be read; the message is a sentence."""


class RecordGone(ReadFailed):
    """The system says there is no such record."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program with exactly these arguments; it sees `env` and nothing of ours. `secret_env` names where its secret goes.

    `cwd` "": a folder of its own, which is gone afterwards. `user` "": Remit's own user.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    secret_env: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One system of record, opened for one attempt."""

    slug: str
    kind: str
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    allow_private: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    # The connection's own id, by which connections that are kept open are told apart.
    id: str = ""
    # The program that an operator allowed, for a connection that starts one instead of asking an address.
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """A short-lived credential for one attempt of one action. `id` is public; the secret never leaves the worker (P8)."""

    id: str
    secret: str = field(repr=False)
    scope: tuple[str, ...]
    record: str | None
    expires_in_s: int
    # The connection's own long-lived secret: it belongs to no attempt and cannot be ended with one.
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A record as read: `version` is the system's own token, verbatim, or None where it has none."""

    record_id: str
    path: str
    version: str | None
    fields: Mapping[str, Any]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What left the boundary, without the credential."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of one dispatch.

    `done`: the system said so. `no_effect`: proof of none (never connected, or an answer declared effect-free).
    `unknown`: everything else (guarantees 4.1).
    """

    kind: Literal["done", "no_effect", "unknown"]
    status: int | None
    body: Mapping[str, Any] | None
    detail: str
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class FieldResult:
    """One field after read-back; `normalised` when it equals what was sent only in the system's declared form."""

    field: str
    wanted: Any
    observed: Any
    matched: bool
    normalised: bool


class Connector(Protocol):
    """The seam to one kind of system."""

    def asks_nobody(self, info: ConnectionInfo) -> bool:
        """Whether `mint` talks to no system: its credential is the connection's own, and standing. Raises CredentialError."""
        ...

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
        """A credential exactly as asked for, had within `timeout_s`. Raises CredentialError, also where that is nothing."""
        ...

    def revoke(self, info: ConnectionInfo, credential: Credential) -> bool:
        """End a credential; False when the system did not confirm it (it still expires by itself)."""
        ...

    def read(self, info: ConnectionInfo, path: str, credential: Credential, *, timeout_s: float) -> Snapshot:
        """Read one record. Raises ReadFailed or RecordGone."""
        ...

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
        """The request that would leave, without its credential. Raises OperationError for unusable arguments."""
        ...

    def dispatch(
        self, info: ConnectionInfo, operation: Operation, sent: Sent, credential: Credential, *, timeout_s: float
    ) -> Outcome:
        """Send it, once, without retries. Never raises for what the system does."""
        ...

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
        """What the system holds under our reference; empty is its own word that there is nothing (F-02).

        Absent proves no effect only after the settle time and the credential's end: that is the caller's to wait for.
        Raises ReadFailed when the answer is not clear, OperationError when the operation has no look-up.
        """
        ...
