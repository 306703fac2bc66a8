"""An MCP server of the tests' own on loopback: honest in either era, or as hostile as a test asks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODERN, BEFORE = "2026-07-28", "2025-11-25"
ECHO = {
    "name": "echo", "description": "Says it again.", "annotations": {"readOnlyHint": True},
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}  # fmt: skip
NOTE = {
    "name": "note_add", "title": "Add a note", "description": "Adds one note.",
    "inputSchema": {
        "type": "object", "properties": {"text": {"type": "string"}, "dryRun": {"type": "boolean"}}, "required": ["text"],
    },
}  # fmt: skip


class Upstream:
    """What it lists and does may be changed while it runs; `notes` is the truth of its effects."""

    def __init__(self, era: str) -> None:
        self.era, self.tools, self.notes = era, [dict(ECHO), dict(NOTE)], list[str]()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        # method -> what to do instead of answering: a function of the handler.
        self.instead: dict[str, Callable[[Any], None]] = {}
        self.result: dict[str, Any] | None = None
        self.stream = False
        self.url = ""

    def methods(self) -> list[str]:
        return [method for method, _ in self.requests]

    def called(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.result is not None:
            return self.result
        if name == "echo":
            return {"content": [{"type": "text", "text": arguments["text"]}]}
        said = f"would add {arguments['text']}" if arguments.get("dryRun") else "added"
        if not arguments.get("dryRun"):
            self.notes.append(arguments["text"])
        return {"content": [{"type": "text", "text": said}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def setup(self) -> None:
        super().setup()
        self.upstream.connections += 1

    def log_message(self, *args: Any) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, params = body["method"], body["params"]
        self.upstream.requests.append((method, dict(self.headers)))
        self.ident = body.get("id")
        if method in self.upstream.instead:
            return self.upstream.instead[method](self)
        if "id" not in body:
            return self.say(202, b"")
        answer = getattr(self, method.replace("/", "_").replace("server_", ""), None)
        if answer is None or (method == "server/discover") != (self.upstream.era == MODERN and answer == self.discover):
            return self.error(-32601, "Unknown method.", 400)
        return self.result(answer(params))

    def discover(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, "resultType": "complete"}

    def initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"protocolVersion": BEFORE, "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}}

    def tools_list(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"tools": self.upstream.tools}

    def tools_call(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.upstream.called(params["name"], params["arguments"])

    def result(self, result: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": self.ident, "result": result}).encode()
        if not self.upstream.stream:
            return self.say(200, body)
        note = b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n'
        return self.say(200, note + b"event: message\r\ndata: " + body + b"\r\n\r\n", "text/event-stream")

    def error(self, code: int, message: str, status: int = 200) -> None:
        error = {"jsonrpc": "2.0", "id": self.ident, "error": {"code": code, "message": message}}
        self.say(status, json.dumps(error).encode())

    def say(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True


def hang(handler: Handler) -> None:
    time.sleep(5)
    handler.hang_up()


@contextmanager
def upstream(era: str = MODERN) -> Iterator[Upstream]:
    found = Upstream(era)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"upstream": found}))
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/mcp"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
