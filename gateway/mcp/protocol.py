"""Answers each method of the protocol with a toolbox, in the shape of the message's era."""

from collections.abc import Mapping
from typing import Any

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION

from gateway.mcp import param_headers, spans
from gateway.mcp.toolbox import Hold, Result, Toolbox, unknown_tool
from gateway.mcp.wire import META, TASKS, Fault, Message

SERVER = {"name": "remit", "title": "Remit", "version": "1"}
# A list may be kept this long by the client it was made for, and by nobody else (M-06).
LIST_TTL_MS = 5_000
INSTRUCTIONS = (
    "Remit governs every call: policy may allow it, deny it, or ask a person. Call trace_open first with the user's request "
    "in their own words. When an answer says needs_approval, nothing was executed: tell the user, then call approval_wait. "
    "When it holds a reviewer's question, answer with approval_answer, or give up with approval_withdraw. "
    "Never repeat a denied call."
)


def respond(message: Message, box: Toolbox, headers: Mapping[str, str]) -> Result | Hold:
    """The result of one request, or a Hold whose answers `dressed` still has to dress. Raises Fault."""
    try:
        return _responded(message, box, headers)
    except Fault as fault:
        fault.id = message.id
        if message.era == "handshake":
            fault.in_handshake_era()
        raise


def _responded(message: Message, box: Toolbox, headers: Mapping[str, str]) -> Result | Hold:
    method, params = message.method, message.params
    if method == "initialize":
        return _initialized(params)
    if method == "server/discover":
        return _discovered()
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": box.tools(), "ttlMs": LIST_TTL_MS, "cacheScope": "private"}
    if method == "tools/call":
        return _called(message, box, headers)
    if method == "tasks/get":
        return box.get_task(params["taskId"])
    if method == "tasks/update":
        box.update_task(params["taskId"], params["inputResponses"])
    else:
        box.cancel_task(params["taskId"])
    return {}


def _called(message: Message, box: Toolbox, headers: Mapping[str, str]) -> Result | Hold:
    """Asked anew at each call: what is not granted does not exist (B-06)."""
    listed = box.granted(message.params["name"])
    if listed is None:
        raise unknown_tool(message.params["name"])
    spans.of_tool(listed["name"])
    if message.era == "modern":
        param_headers.check(listed["inputSchema"], message.params.get("arguments") or {}, headers)
    return box.call(message)


def _initialized(params: Mapping[str, Any]) -> dict[str, Any]:
    asked = params["protocolVersion"]
    agreed = asked if asked in HANDSHAKE_PROTOCOL_VERSIONS else LATEST_HANDSHAKE_VERSION
    capabilities = {"tools": {"listChanged": False}}
    return {
        "protocolVersion": agreed, "capabilities": capabilities, "serverInfo": SERVER, "instructions": INSTRUCTIONS,
    }  # fmt: skip


def _discovered() -> dict[str, Any]:
    return {
        "supportedVersions": list(reversed(KNOWN_PROTOCOL_VERSIONS)),
        "capabilities": {"tools": {"listChanged": False}, "extensions": {TASKS: {}}},
        "instructions": INSTRUCTIONS,
        "ttlMs": LIST_TTL_MS,
        "cacheScope": "private",
    }


def dressed(message: Message, result: Result) -> dict[str, Any]:
    """The JSON-RPC answer: a modern result says what kind it is and who made it; an older client gets neither."""
    body = dict(result)
    if message.era == "modern":
        body = {"resultType": "complete", **body, "_meta": {f"{META}serverInfo": SERVER}}
    else:
        body = {name: value for name, value in body.items() if name not in {"ttlMs", "cacheScope", "resultType"}}
    return {"jsonrpc": "2.0", "id": message.id, "result": body}
