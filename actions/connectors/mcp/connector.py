"""The connector to MCP servers: lists tools, asks for a dry run, sends one call. It never retries a call (F-04).

Signing in is the http connector's: a standing secret, a token of an endpoint, or nothing. MCP has no idempotency, so every
effect is class C: what is not known after a lost answer is for people (F-02).
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from actions.connectors.base import ConnectionInfo, Credential, CredentialError, Outcome, ReadFailed, Sent, Snapshot
from actions.connectors.http.connector import HttpConnector
from actions.connectors.mcp.http import http_talk
from actions.connectors.mcp.listing import listed
from actions.connectors.mcp.results import body_of, is_whole, outcome_of
from actions.connectors.mcp.stdio import stdio_talk
from actions.connectors.mcp.wire import Talk, TalkError
from actions.connectors.operation import Call, Operation, OperationError
from traces.canonical import digest_of

CALL = "tools/call"


class McpConnector(HttpConnector):
    """Implements `actions.connectors.base.Connector`."""

    def asks_nobody(self, info: ConnectionInfo) -> bool:
        return info.command is not None or super().asks_nobody(info)

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
        """What signs one attempt in; a program is started with the standing secret, if any. Raises CredentialError."""
        if info.command is None:
            return super().mint(info, scope=scope, record=record, ttl_s=ttl_s, reference=reference, timeout_s=timeout_s)
        name = "sha256:" + hashlib.sha256(f"{info.id}:{info.client_secret}".encode()).hexdigest()[:16]
        return Credential(name, info.client_secret, tuple(scope), None, ttl_s, standing=True)

    def revoke(self, info: ConnectionInfo, credential: Credential) -> bool:
        """RFC 7009 where there is an endpoint; what a program was started with cannot be ended."""
        return info.command is None and super().revoke(info, credential)

    def list_tools(
        self, info: ConnectionInfo, credential: Credential, *, timeout_s: float
    ) -> dict[str, dict[str, Any]]:
        """Every tool of the server by name, as it is pinned. Raises ReadFailed."""
        try:
            with self._talk(info, credential, timeout_s) as talk:
                return listed(talk)
        except TalkError as error:
            raise ReadFailed(f"The server's tools were not read. {error}") from error

    def dry_run(
        self,
        info: ConnectionInfo,
        operation: Operation,
        arguments: Mapping[str, Any],
        credential: Credential,
        *,
        timeout_s: float,
    ) -> Snapshot:
        """What the server says the call would do. Raises ReadFailed, also where it names an error."""
        call = _call(operation)
        asked = {**arguments, **({call.dry_run_argument: True} if call.dry_run_argument else {})}
        try:
            with self._talk(info, credential, timeout_s) as talk:
                self._can_dry_run(talk, call)
                reply = talk.ask(CALL, {"name": call.dry_run_tool, "arguments": asked})
        except TalkError as error:
            raise ReadFailed(f"Its dry run gave no answer. {error}") from error
        if reply.result is None or reply.result.get("isError"):
            said = body_of(reply.result or {})["text"] or reply.message
            raise ReadFailed(f"Its dry run was refused: {said}")
        path, body = f"{CALL}/{call.dry_run_tool}", body_of(reply.result)
        if not is_whole(reply.result) or not (body["text"].strip() or body.get("structured")):
            raise ReadFailed("Its dry run says nothing that people could read before they decide.")
        return Snapshot(call.dry_run_tool, path, None, {"dry_run": body}, datetime.now(UTC))

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
        """The call without its credential: exactly the arguments that were decided on. Raises OperationError."""
        return Sent("POST", f"{CALL}/{_call(operation).tool}", {"X-Action-Id": action_id}, dict(arguments))

    def dispatch(
        self, info: ConnectionInfo, operation: Operation, sent: Sent, credential: Credential, *, timeout_s: float
    ) -> Outcome:
        """Send the call once and classify what came back."""
        started, call = time.monotonic(), _call(operation)
        try:
            with self._talk(info, credential, timeout_s, sent.headers) as talk:
                talk.ready()
                if info.command is not None:
                    self._still_listed(talk, call)
                return outcome_of(call, self._sent(talk, call, sent), started)
        except TalkError as error:
            return outcome_of(call, error, started)

    def _sent(self, talk: Talk, call: Call, sent: Sent) -> Any:
        """The reply, or the error after which the call may have arrived."""
        try:
            return talk.ask(CALL, {"name": call.tool, "arguments": dict(sent.body or {})})
        except TalkError as error:
            return error

    def _still_listed(self, talk: Talk, call: Call) -> dict[str, dict[str, Any]]:
        """A program is a new one each time, so that what was listed to another process says nothing of this one (R-22).

        Raises TalkError with nothing sent.
        """
        try:
            found = listed(talk)
        except TalkError as error:
            raise TalkError(f"The server's tools were not read. {error}", sent=False) from error
        if digest_of(found.get(call.tool)) != digest_of(dict(call.server)):
            raise TalkError(f"What the server lists as {call.tool} changed, so nothing was sent.", sent=False)
        return found

    def _can_dry_run(self, talk: Talk, call: Call) -> None:
        """INVARIANT: a dry run is asked for only of what an admin saw: another tool of that name might do it in earnest.

        Held by tests/upstreams/test_dry_run.py. Raises TalkError.
        """
        found = self._still_listed(talk, call)
        pinned = call.dry_run_digest or digest_of(dict(call.server))
        if digest_of(found.get(call.dry_run_tool)) != pinned:
            raise TalkError(f"What the server lists as {call.dry_run_tool} changed, so nothing was sent.", sent=False)

    @contextmanager
    def _talk(
        self, info: ConnectionInfo, credential: Credential, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Iterator[Talk]:
        if info.command is not None:
            with stdio_talk(info.command, info.client_secret, timeout_s=timeout_s) as program:
                yield program
            return
        try:
            signed = {**(headers or {}), **self.sign(info, credential)}
        except CredentialError as error:
            raise TalkError(str(error), sent=False) from error
        with http_talk(info, signed, credential, timeout_s=timeout_s) as talk:
            yield talk


def _call(operation: Operation) -> Call:
    if operation.call is None:
        raise OperationError("operation.mcp: This is no tool of an MCP server. Import it from its connection.")
    return operation.call
