"""Faults for tests, only when the desk was started with them: lost answers, errors before and after the commit."""

import asyncio
from collections import deque
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("reset_before", "reset_after", "slow_after", "500_before", "500_after", "cut_body", "not_json")
SLOW_S = 30


class Faults:
    """ASGI layer that spoils the next writes as asked at POST /faults."""

    def __init__(self, app: ASGIApp, *, enabled: bool) -> None:
        self.app, self.enabled, self.pending = app, enabled, deque[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spoil = self.enabled and scope["type"] == "http" and scope["method"] != "GET"
        if not spoil or scope["path"].startswith(("/oauth/", "/faults", "/reset")) or not self.pending:
            await self.app(scope, receive, send)
            return
        await self._spoil(self.pending.popleft(), scope, receive, send)

    async def _spoil(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        if kind == "500_before":
            await _answer(send, 500, b'{"title":"Internal error"}')
            return
        if kind == "reset_before":
            raise ConnectionResetError(kind)
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        await self._after(kind, messages, send)

    async def _after(self, kind: str, messages: list[Message], send: Send) -> None:
        if kind == "reset_after":
            raise ConnectionResetError(kind)
        if kind == "500_after":
            await _answer(send, 500, b'{"title":"Internal error"}')
        elif kind == "not_json":
            await _answer(send, 200, b"<html>ok</html>")
        elif kind == "slow_after":
            await asyncio.sleep(SLOW_S)
        elif kind == "cut_body":
            start: dict[str, Any] = {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"400")],
            }
            await send(start)
            await send({"type": "http.response.body", "body": b'{"id": "re_', "more_body": True})
            raise ConnectionResetError(kind)


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
