"""An MCP client as small as the wire allows, in either era."""

import json
from typing import Any

from django.test import Client

META = "io.modelcontextprotocol/"
MODERN = "2026-07-28"
TASKS = {"extensions": {f"{META}tasks": {}}}
PAGES = {"elicitation": {"url": {}}}


def send(body: Any, token: str, *, headers: dict[str, str] | None = None, raw: bytes | None = None):
    """One POST, answered as it comes."""
    given = {"Authorization": f"Bearer {token}", **(headers or {})}
    data = raw if raw is not None else json.dumps(body).encode()
    return Client().post("/mcp", data, content_type="application/json", headers={k: v for k, v in given.items() if v})


def modern(method: str, params: dict | None, token: str, *, declares=None, headers=None, meta=None):
    """A request of the stateless era, with the headers it needs."""
    params = dict(params or {})
    said = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": declares or {}, **(meta or {})}
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": said}}
    names = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, "Mcp-Name": params.get("name", "")}
    return send(body, token, headers={**names, **(headers or {})})


def call(tool: str, arguments: dict, token: str, *, declares=None, meta=None, **more) -> dict:
    """The result of a tools/call."""
    params = {"name": tool, "arguments": arguments, **more}
    answer = modern("tools/call", params, token, declares=declares, meta=meta)
    assert answer.status_code == 200, answer.content
    return answer.json()["result"]


def task(method: str, task_id: str, token: str, **more):
    return modern(f"tasks/{method}", {"taskId": task_id, **more}, token, declares=TASKS)


def handshake(method: str, params: dict | None, token: str, *, version: str | None = "2025-06-18"):
    """A request of the era that began with `initialize`."""
    body = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params or {}}
    return send(body, token, headers={"MCP-Protocol-Version": version or ""})
