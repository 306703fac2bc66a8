"""Reads share a connection that is kept for their system; its sign-in never does, and a write has a connection of its own."""

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from actions.connectors.base import ConnectionInfo, Credential
from actions.connectors.operation import parse_operation
from actions.connectors.records.connector import RecordsConnector

CONNECTOR = RecordsConnector()
SEARCH = parse_operation({"class": "A", "read": {"path": "/things?of={item}", "scope": "a:b", "rows": "rows"}})
WRITE = parse_operation(
    {"class": "A", "write": {"method": "POST", "path": "/things", "scope": "a:b", "body": "arguments", "ok": [200]}}
)
FACTS = {"version": None, "idempotency_key": "act_1", "action_id": "act_1"}


class System:
    """Answers everything, and remembers over which connection it was asked what, with which sign-in."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str, str]] = []
        self.hang_up = False
        system = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                system.asked.append((self.client_address[1], self.path, self.headers["Authorization"]))
                self.send_response(200)
                self.send_header("Content-Length", "26")
                self.end_headers()
                self.wfile.write(b'{"id": "thg_1", "rows":[]}')
                self.close_connection = system.hang_up  # Without a word of it in the answer.

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        class Server(ThreadingHTTPServer):
            def shutdown_request(self, request) -> None:
                super().shutdown_request(request)
                system.gone.release()

        self.gone = threading.Semaphore(0)
        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.info = ConnectionInfo(
            "kept", "records", f"http://127.0.0.1:{self.server.server_port}/base/", "remit", "", True, id="con_kept"
        )


@pytest.fixture
def system():
    made = System()
    yield made
    made.server.shutdown()
    made.server.server_close()


def read(system, secret: str, **other: str) -> None:
    credential = Credential("tok", secret, ("a:b",), None, 60)
    assert CONNECTOR.read(replace(system.info, **other), "/things/1", credential, timeout_s=5).record_id == "thg_1"


def called(system, operation, secret: str) -> None:
    sent = CONNECTOR.compose(operation, {"item": "tea"}, {}, **FACTS)
    credential = Credential("tok", secret, ("a:b",), None, 60)
    assert CONNECTOR.dispatch(system.info, operation, sent, credential, timeout_s=5).kind == "done"


def test_reads_share_a_connection_and_each_signs_in_by_itself(system):
    read(system, "first")
    called(system, SEARCH, "second")
    (one, path, first), (other, search, second) = system.asked
    assert one == other and (path, search) == ("/base/things/1", "/base/things?of=tea")
    assert (first, second) == ("Bearer first", "Bearer second")


def test_another_connection_to_the_same_system_has_its_own(system):
    read(system, "first")
    read(system, "first", id="con_other")
    assert len({port for port, *_ in system.asked}) == 2


def test_a_write_never_goes_over_a_connection_that_was_kept(system):
    read(system, "first")
    called(system, WRITE, "second")
    called(system, WRITE, "third")
    assert len({port for port, *_ in system.asked}) == 3


def test_a_connection_that_the_system_hung_up_is_replaced(system):
    system.hang_up = True
    for _ in range(3):
        read(system, "first")
        assert system.gone.acquire(timeout=10)
    assert len({port for port, *_ in system.asked}) == 3
