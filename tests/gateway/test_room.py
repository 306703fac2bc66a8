"""A system that answers slowly takes no more connections than agents may have: people's pages are served meanwhile."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connection, transaction

from accounts.room import WAIT_S, places
from benchmarks.mcp.world import TOOL, make
from tests.gateway.mcp_client import META, MODERN
from tests.gateway.otlp import Web, until
from tests.loopback import http
from traces.checkpoints.clock import tick

KEPT, CALLS = 4, 7
OPENED = {"intent": "Look at accounts", "on_behalf_of": "maya@northwind.example"}


class Slow:
    """The system behind the tool: holds every question until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go_on = [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.go_on.wait(60)
                body = json.dumps({"orders": [{"id": "o_1", "item": "tea", "amount": 1}]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.go_on.set()
        self.server.shutdown()


@pytest.fixture
def slow():
    found = Slow()
    yield found
    found.stop()


@pytest.fixture
def web(transactional_db, tmp_path):
    running = Web(tmp_path / "web.log", REMIT_DB_POOL=str(KEPT))
    yield running
    running.stop()


def called(web, token: str, number: int):
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}, "remit/call_id": f"call-{number}"}
    params = {"name": TOOL, "arguments": {"item": "tea"}, "_meta": {**meta, "remit/intent": f"Tea for {number}"}}
    body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    return web.ask(
        "/mcp", body, token, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": TOOL}
    )


def database(web) -> bool:
    """Whether the page that asks the database gets its answer."""
    return http.get(f"{web.base_url}/readyz", timeout=30).json()["database"]


def test_a_quarter_and_at_least_one_is_peoples():
    assert [places(kept) for kept in (1, 2, 4, 5, 32)] == [1, 1, 3, 4, 24]


@pytest.mark.timeout(180)
def test_a_slow_system_holds_up_its_own_callers_alone(web, slow, cast):
    _, token = make(slow.url)
    tick()
    with ThreadPoolExecutor(CALLS) as pool:
        calls = [pool.submit(called, web, token, number) for number in range(CALLS)]
        until(lambda: len(slow.asked) == CALLS)
        # More than the connections there are: neither pages nor agents of others wait for them.
        began = time.monotonic()
        assert database(web) and web.ask("/api/v1/traces", OPENED, cast.token).status_code == 201
        assert time.monotonic() - began < WAIT_S
        slow.go_on.set()
        told = [call.result().json()["result"]["structuredContent"]["decision"] for call in calls]
    assert told == ["executed"] * CALLS


@pytest.mark.timeout(180)
def test_people_have_a_connection_while_agents_hold_all_of_theirs(web, slow):
    _, token = make(slow.url)
    tick()
    slow.go_on.set()
    with ThreadPoolExecutor(places(KEPT) + 1) as pool:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE traces_callwindow IN ACCESS EXCLUSIVE MODE")
            calls = [pool.submit(called, web, token, number) for number in range(places(KEPT) + 1)]
            (refused,) = until(lambda: [call.result() for call in calls if call.done()])
            assert database(web)
        others = [call.result() for call in calls if call.result() is not refused]
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "as many calls as it has room for" in refused.json()["detail"]
    told = [other.json()["result"]["structuredContent"]["decision"] for other in others]
    assert told == ["executed"] * places(KEPT)
    # A refused call began nothing: asked again, it runs.
    assert called(web, token, 100).json()["result"]["structuredContent"]["decision"] == "executed"
