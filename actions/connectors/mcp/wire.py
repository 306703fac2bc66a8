"""JSON-RPC as MCP servers speak it: what is sent, and how an answer is read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from actions.connectors.records.answers import Answer

META = "io.modelcontextprotocol/"
CLIENT = {"name": "remit", "title": "Remit", "version": "1"}
# INVARIANT: the revisions that `mcp_types` knows, oldest first. Written out, for the package builds its models as it is imported,
# half a second of every process that acts. Held by tests/upstreams/test_wire.py.
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = "2026-07-28"
# Errors of the protocol itself: the request was not understood, so it was not begun.
# Of what a server says of a request that is ours alone, in characters.
MOST_SAID = 300
NOT_BEGUN = frozenset({-32700, -32600, -32601, -32602, -32020})


class TalkError(Exception):
    """A server could not be talked to; the message is a sentence. `sent`: whether the request may have arrived."""

    def __init__(self, sentence: str, *, sent: bool = True, status: int | None = None) -> None:
        super().__init__(sentence)
        self.sent, self.status = sent, status


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: a result, or an error by code."""

    result: Mapping[str, Any] | None
    code: int | None = None
    message: str = ""

    def needed(self, what: str) -> Mapping[str, Any]:
        """The result of what carries no value of a call. Raises TalkError for an error."""
        if self.result is None:
            raise TalkError(f"{what} was refused: {self.message[:MOST_SAID] or self.code}")
        return self.result


class Talk(Protocol):
    """One attempt's conversation with a server."""

    def ready(self) -> None:
        """Agree with the server first. Raises TalkError; then no call was sent."""
        ...

    def forget(self) -> None:
        """Agree anew at the next request."""
        ...

    def ask(self, method: str, params: Mapping[str, Any]) -> Reply:
        """Send one request, once. Raises TalkError."""
        ...


def request(ident: int | None, method: str, params: Mapping[str, Any], *, modern: bool) -> bytes:
    """The bytes of a request, or of a notification where `ident` is None. The stateless era says in each who asks."""
    told = dict(params)
    if modern:
        told["_meta"] = {
            f"{META}protocolVersion": MODERN, f"{META}clientInfo": CLIENT, f"{META}clientCapabilities": {},
        }  # fmt: skip
    head = {"jsonrpc": "2.0"} if ident is None else {"jsonrpc": "2.0", "id": ident}
    return orjson.dumps({**head, "method": method, "params": told})


def hello() -> dict[str, Any]:
    """The parameters of `initialize`: no capability, so a server may ask nothing of us."""
    return {"protocolVersion": HANDSHAKE[-1], "capabilities": {}, "clientInfo": CLIENT}


def agreed(reply: Reply) -> str:
    """The version a server agreed to. Raises TalkError."""
    version = reply.needed("The handshake").get("protocolVersion")
    if version not in HANDSHAKE:
        raise TalkError("The server speaks no version of the protocol that Remit knows.")
    return str(version)


def object_of(content: bytes, *secrets: str) -> dict[str, Any] | None:
    """A message as strictly as any answer is read (R-30), our secrets masked; None for anything else."""
    return Answer(200, {}, content).without(*secrets).json_object()


def reply_of(message: Mapping[str, Any] | None, ident: int) -> Reply | None:
    """The answer to request `ident`; None for a message that is something else."""
    if message is None or message.get("jsonrpc") != "2.0" or message.get("id") != ident:
        return None
    result, error = message.get("result"), message.get("error")
    if isinstance(result, dict) and error is None:
        return Reply(result)
    if isinstance(error, dict) and type(error.get("code")) is int:
        return Reply(None, error["code"], str(error.get("message", "")))
    return None
