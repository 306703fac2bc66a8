"""Tells a client that asked for it that a held answer is still coming: progress notices on the answer's own stream.

Clients give up on a call that says nothing for long; a person takes minutes. A notice decides nothing and holds no facts.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from django.http import StreamingHttpResponse

from gateway.mcp.toolbox import Hold, Result
from gateway.mcp.wire import Message, header

STREAM = "text/event-stream"


def token_of(message: Message, found: Result | Hold, headers: Mapping[str, str]) -> str | int | None:
    """The client's own name for this progress; None where it asked for none, reads no stream, or has its answer now."""
    token = message.meta.get("progressToken")
    if not isinstance(found, Hold) or isinstance(token, bool) or not isinstance(token, str | int):
        return None
    return token if STREAM in (header(headers, "Accept") or "").lower() else None


def stream(events: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """The answer as a stream that no proxy keeps back or keeps."""
    head = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(events, content_type=STREAM, headers=head)


def event(body: Mapping[str, Any]) -> bytes:
    """One JSON-RPC message as one event."""
    return b"event: message\ndata: " + orjson.dumps(body) + b"\n\n"


class Notices:
    """What is said of one held answer, each time with a larger number, at most every `hold.every` seconds."""

    def __init__(self, token: str | int, hold: Hold) -> None:
        self.token, self.total, self.every = token, hold.seconds, hold.every
        self.began = time.monotonic()
        self.next = self.began

    def due(self) -> dict[str, Any] | None:
        """The notice to send now, if any."""
        now = time.monotonic()
        if now < self.next:
            return None
        self.next = now + self.every
        gone = round(now - self.began, 3)
        params = {"progressToken": self.token, "progress": gone, "total": max(self.total, gone), "message": "Waiting."}
        return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
