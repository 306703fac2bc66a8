"""The web process keeps its connections to the database between calls, and no longer than they work."""

import pytest
from django.db import connection

from tests.faults.conftest import broker
from tests.gateway.mcp_client import META, MODERN
from tests.gateway.otlp import Web

__all__ = ["broker"]


@pytest.fixture
def web(transactional_db, cast, broker, tmp_path):
    running = Web(tmp_path / "web.log", BROKER_URL=broker.url, REMIT_DB_POOL="2", PGAPPNAME="remit kept test")
    yield running
    running.stop()


def called(web, cast, number: int) -> str:
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}, "remit/call_id": f"call-{number}"}
    params = {"name": "desk.order.get", "arguments": {"order_id": "48213"}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    head = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "desk.order.get"}
    return web.ask("/mcp", body, cast.token, **head).json()["result"]["structuredContent"]["decision"]


def sessions() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'remit kept test'")
        return {row[0] for row in cursor.fetchall()}


def test_calls_share_kept_connections_and_get_others_when_these_are_cut(web, cast):
    assert called(web, cast, 1) == "executed"
    kept = sessions()
    assert {called(web, cast, number) for number in (2, 3, 4, 5)} == {"executed"}
    assert kept and kept <= sessions() and len(sessions()) <= 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [sorted(sessions())])
    assert {called(web, cast, number) for number in (6, 7, 8)} == {"executed"}
    assert not kept & sessions()
