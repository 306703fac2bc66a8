"""Receivers on loopback: an HTTP sink and an SMTP sink, real sockets, that keep what they were told."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class HttpSink:
    """Answers `status`; after `hold` is set, only once it is released."""

    port: int = 0
    status: int = 200
    location: str = ""
    got: list[Received] = field(default_factory=list)
    connections: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    hangs: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cret-path-5f1e"


@contextmanager
def http_sink(**how) -> Iterator[HttpSink]:
    sink = HttpSink(**how)

    class Handler(BaseHTTPRequestHandler):
        def setup(self):
            sink.connections += 1
            super().setup()

        def do_GET(self):
            self.answer(b"")

        def do_POST(self):
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        def answer(self, body):
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.got.append(Received(self.path, headers, body))
            if sink.hangs:
                sink.release.wait(30)
            with contextlib.suppress(OSError):  # The caller may have given up, which is what some tests are about.
                self.send_response(sink.status)
                if sink.location:
                    self.send_header("Location", sink.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield sink
    finally:
        sink.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


class MailSink:
    """A small SMTP server: takes every mail, or refuses each with `refuse`."""

    def __init__(self) -> None:
        self.mails: list = []
        self.recipients: list[list[str]] = []
        self.refuse = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # Closed by the test that opened it.
            while True:
                wire, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire: socket.socket) -> None:
        with wire, wire.makefile("rb") as lines:
            wire.sendall(b"220 sink\r\n")
            to: list[str] = []
            for line in lines:
                word = line[:4].upper().strip()
                if word == b"DATA":
                    wire.sendall(b"354 go on\r\n")
                    self._take(to, lines)
                elif word == b"RCPT":
                    to.append(line.decode().split("<")[1].split(">")[0])
                refused = self.refuse if word in {b"MAIL"} else ""
                wire.sendall((refused or "250 taken").encode() + b"\r\n")
                if word == b"QUIT":
                    return

    def _take(self, to: list[str], lines) -> None:
        body = b""
        for line in lines:
            if line == b".\r\n":
                break
            body += line
        self.mails.append(message_from_bytes(body, policy=policy.default))
        self.recipients.append(to)

    def close(self) -> None:
        self._listener.close()
