"""A receiver of spans on loopback, as small as OTLP over HTTP allows, and the processes of Remit that send to it."""

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from httpx import TransportError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.desk.running import ROOT, free_port
from tests.faults.running import environment
from tests.loopback import http


class Receiver:
    """Keeps what it is sent: spans, bytes as they came, and headers. `silent`: it takes requests and never answers."""

    def __init__(self, *, silent: bool = False) -> None:
        self.spans: list[Span] = []
        self.raw, self.headers = b"", {}
        self.over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if silent:
                    receiver.over.wait(60)
                    return
                receiver.take(
                    gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))),
                    {name.lower(): value for name, value in self.headers.items()},
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, raw: bytes, headers: dict[str, str]) -> None:
        self.raw, self.headers = self.raw + raw, headers
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str, within_s: float = 15) -> Span:
        """The span of that name, once it has arrived."""
        return until(lambda: next((span for span in self.spans if span.name == name), None), within_s)

    def stop(self) -> None:
        self.over.set()
        self.server.shutdown()


def until(look: Callable[[], object], within_s: float = 30):
    """What `look` finds, once it finds something."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"Nothing was found within {within_s} s.")


def said(span: Span) -> dict[str, object]:
    """Its attributes."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


class Web:
    """The real web process on the tests' database."""

    def __init__(self, log: Path, **more: str) -> None:
        self.base_url = f"http://127.0.0.1:{(port := free_port())}"
        command = ["uvicorn", "console.asgi:application", "--port", str(port), "--log-level", "warning"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment(**more),
            cwd=ROOT,
            stdout=log.open("ab"),
            stderr=subprocess.STDOUT,
        )
        try:
            until(self._answers, 60)
        except AssertionError:
            self.stop()
            raise

    def _answers(self) -> bool:
        try:
            return http.get(f"{self.base_url}/healthz").status_code == 200
        except TransportError:  # Nobody is there yet.
            return False

    def ask(self, path: str, body: dict, token: str, **headers: str):
        head = {"Authorization": f"Bearer {token}", **headers}
        return http.post(f"{self.base_url}{path}", json=body, headers=head, timeout=60)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
