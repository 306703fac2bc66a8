"""Faults for tests, only when the desk was started with them: lost answers, errors before and after the commit."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

KINDS = ("reset_before", "reset_after", "slow_after", "500_before", "500_after", "cut_body", "not_json")
SLOW_S = 30
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: closing sends RST.


class BreakableProtocol(H11Protocol):
    """HTTP that lets a request reach its own connection: an application alone can never leave without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Faults:
    """ASGI layer that spoils the next writes as asked at POST /faults."""

    def __init__(self, app: ASGIApp, *, enabled: bool) -> None:
        self.app, self.enabled, self.pending = app, enabled, deque[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spoil = self.enabled and scope["type"] == "http" and scope["method"] not in {"GET", "HEAD"}
        if not spoil or scope["path"].startswith(("/oauth/", "/faults", "/reset")) or not self.pending:
            await self.app(scope, receive, send)
            return
        await self._spoil(self.pending.popleft(), scope, receive, send)

    async def _spoil(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        if kind == "500_before":
            return await _answer(send, 500, b'{"title":"Internal error"}')
        if kind == "reset_before":
            return await _leave(scope["state"]["transport"], receive, reset=True)
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        return await self._after(kind, answer, scope, receive, send)

    async def _after(self, kind: str, answer: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
        """The write is committed; only its answer goes wrong. The status stays the true one, so nothing gives it away."""
        status = answer[0]["status"]
        if kind == "reset_after":
            await _leave(scope["state"]["transport"], receive, reset=True)
        elif kind == "500_after":
            await _answer(send, 500, b'{"title":"Internal error"}')
        elif kind == "not_json":
            await _answer(send, status, b"<html>ok</html>")
        elif kind == "cut_body":
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"400")]})
            await send({"type": "http.response.body", "body": b'{"id": "re_', "more_body": True})
            await _leave(scope["state"]["transport"], receive, reset=False)
        elif kind == "slow_after":
            await asyncio.sleep(SLOW_S)
            for message in answer:
                await send(message)


async def _leave(transport: asyncio.Transport, receive: Receive, *, reset: bool) -> None:
    """End the connection, at once with `reset`, and return when the server has noticed."""
    close: Callable[[], Any] = transport.close
    if reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        close = transport.abort
    close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
