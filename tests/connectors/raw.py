"""A system that answers with exactly the bytes it is told to: for what no honest system would send."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from actions.connectors.base import ConnectionInfo


class RawSystem:
    """Answers the next connections with the given bytes, in order, the last one again and again."""

    def __init__(self, *answers: bytes, every_s: float = 0.0) -> None:
        self.requests: list[bytes] = []
        self._answers, self._every_s = list(answers), every_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def info(self) -> ConnectionInfo:
        return ConnectionInfo("raw", "records", f"http://127.0.0.1:{self.port}", "remit", "client-secret", True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # The listener is closed by the test that opened it.
            while True:
                wire, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire: socket.socket) -> None:
        with wire, contextlib.suppress(OSError):  # A caller that hangs up is what some tests are about.
            self.requests.append(_request(wire))
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            for part in [answer] if not self._every_s else [answer[i : i + 1] for i in range(len(answer))]:
                wire.sendall(part)
                time.sleep(self._every_s)

    def close(self) -> None:
        self._listener.close()


def _request(wire: socket.socket) -> bytes:
    """One whole request, so that closing afterwards is a clean end and not a reset."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += wire.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length")), 0)
    while len(body) < length:
        body += wire.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: int, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


@contextmanager
def raw_system(*answers: bytes, every_s: float = 0.0) -> Iterator[RawSystem]:
    system = RawSystem(*answers, every_s=every_s)
    try:
        yield system
    finally:
        system.close()
