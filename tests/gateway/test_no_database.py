"""Both doors say themselves that the database is away, and when to ask again. Nothing falls open, no page of HTML is sent."""

import pytest

from tests.desk.running import free_port
from tests.gateway.mcp_client import META, MODERN
from tests.gateway.otlp import Web

TOKEN = "rmt_0000abcd_" + "x" * 43


@pytest.fixture
def web(db, tmp_path):
    running = Web(tmp_path / "web.log", DATABASE_URL=f"postgres://remit@127.0.0.1:{free_port()}/remit")
    yield running
    running.stop()


def test_both_doors_answer_503_as_a_problem(web):
    call = {"trace_id": "trc_00000000000000000000000000", "tool": "desk.order.get", "arguments": {}}
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    listed = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    names = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"}
    for answer in (web.ask("/api/v1/tool-calls", call, TOKEN), web.ask("/mcp", listed, TOKEN, **names)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:remit:problem:unavailable" and "127.0.0.1" not in answer.text
