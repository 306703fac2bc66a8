"""The tools that the conformance suite asks a server to have. They live here, so that no build of the product contains them."""

import base64
import struct
import time
import zlib
from collections.abc import Mapping
from typing import Any

from mcp_types.jsonrpc import INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from gateway.mcp import sealed_state
from gateway.mcp.toolbox import Hold, Result
from gateway.mcp.wire import TASKS, Fault, Message
from tests.conformance.fixture_tasks import Tasks

TEXT = {"type": "object", "properties": {}, "additionalProperties": False}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    + _chunk(b"IEND", b"")
).decode()
WAV = base64.b64encode(
    b"RIFF" + struct.pack("<I", 37) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    + b"data" + struct.pack("<I", 1) + b"\x80"
).decode()  # fmt: skip


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}], **more}


def resource(uri: str, kind: str, words: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": words}}


IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}
PLAIN: dict[str, dict[str, Any]] = {
    "test_simple_text": text("This is a simple text response for testing."),
    "test_image_content": {"content": [IMAGE]},
    "test_audio_content": {"content": [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]},
    "test_embedded_resource": {
        "content": [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
    },
    "test_multiple_content_types": {
        "content": [
            {"type": "text", "text": "Multiple content types test:"},
            IMAGE,
            resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
        ]
    },
    "test_error_handling": text("This tool intentionally returns an error for testing", isError=True),
    "test_logging_tool": text("Done without a log."),
    "test_streaming_elicitation": text("Done without a stream."),
    "json_schema_2020_12_tool": text("Done."),
}
SCHEMA_2020: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def form(message: str, name: str, kind: str = "string") -> dict[str, Any]:
    """An elicitation by form of one field."""
    schema = {"type": "object", "properties": {name: {"type": kind}}, "required": [name]}
    return {"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}}


NAME = form("What is your name?", "name")
SAMPLE = {
    "method": "sampling/createMessage",
    "params": {"messages": [{"role": "user", "content": {"type": "text", "text": "Say it."}}], "maxTokens": 50},
}
ROOTS = {"method": "roots/list", "params": {}}
_ASKS = "test_input_required_result_"
# Tool -> what each round asks for.
ROUNDS: dict[str, list[dict[str, dict[str, Any]]]] = {
    f"{_ASKS}elicitation": [{"user_name": NAME}],
    f"{_ASKS}sampling": [{"capital_question": SAMPLE}],
    f"{_ASKS}list_roots": [{"client_roots": ROOTS}],
    f"{_ASKS}request_state": [{"confirm": form("Please confirm", "ok", "boolean")}],
    f"{_ASKS}tampered_state": [{"confirm": form("Please confirm", "ok", "boolean")}],
    f"{_ASKS}multiple_inputs": [{"user_name": NAME, "greeting": SAMPLE, "client_roots": ROOTS}],
    f"{_ASKS}multi_round": [
        {"step1": form("Step 1: What is your name?", "name")},
        {"step2": form("Step 2: What is your favorite color?", "color")},
    ],
    f"{_ASKS}capabilities": [{"user_name": NAME, "greeting": SAMPLE, "client_roots": ROOTS}],
    "test_tool_with_task": [{"user_name": NAME}],
}
_SECONDS = {"seconds": {"type": "number"}, "label": {"type": "string"}}
SCHEMAS: dict[str, dict[str, Any]] = {
    "greet": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    "slow_compute": {"type": "object", "properties": _SECONDS},
    "confirm_delete": {"type": "object", "properties": {"filename": {"type": "string"}}},
    "test_header_tool": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    "json_schema_2020_12_tool": SCHEMA_2020,
}
JOBS = frozenset({"slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input"})
PROGRESS = "test_tool_with_progress"
NAMES = sorted({*PLAIN, *ROUNDS, *SCHEMAS, *JOBS, PROGRESS, "test_missing_capability"})


class FixtureBox:
    """A toolbox of nothing but fixtures, shared by every request of the process."""

    tasks = Tasks()

    def tools(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "description": f"Fixture {name}.", "inputSchema": SCHEMAS.get(name, TEXT)} for name in NAMES
        ]

    def granted(self, name: str) -> dict[str, Any] | None:
        return next((tool for tool in self.tools() if tool["name"] == name), None)

    def refused(self, fault: Fault) -> None:
        """Nobody's ledger."""

    def call(self, message: Message) -> Result | Hold:
        name, arguments = message.params["name"], message.params.get("arguments") or {}
        if name in ROUNDS:
            return self._asks(message, name)
        if name in JOBS:
            return self._job(message, name, arguments)
        if name == PROGRESS:
            return Hold(1.0, lambda over: self._finished(over=over), every=0.2)
        if name == "test_missing_capability" and "sampling" not in message.declares:
            raise missing({"sampling": {}})
        return PLAIN.get(name) or text(f"Hello, {arguments.get('name', 'there')}!")

    def _finished(self, *, over: bool) -> Result | Hold:
        return text("Finished.") if over else Hold(0, lambda over: self._finished(over=over))

    def _job(self, message: Message, name: str, arguments: Mapping[str, Any]) -> Result:
        if message.takes_tasks:
            return self.tasks.start(name, arguments)
        if name == "failing_job":
            raise missing({"extensions": {TASKS: {}}})
        time.sleep(min(float(arguments.get("seconds", 0)), 1))
        return text("Computed.")

    def _asks(self, message: Message, name: str) -> Result:
        """The round its state says, or the next one once this one's questions are answered."""
        state, answers = message.params.get("requestState"), message.params.get("inputResponses") or {}
        at = self._round(name, state)
        asked = {key: ask for key, ask in ROUNDS[name][at].items() if ask["method"].split("/")[0] in message.declares}
        if asked and all(answers.get(key) for key in asked):
            at += 1
        if at < len(ROUNDS[name]):
            sealed = sealed_state.seal(agent_id="fixtures", call=name, action_id=str(at))
            return {
                "resultType": "input_required",
                "inputRequests": asked if not at else ROUNDS[name][at],
                "requestState": sealed,
            }
        said = " ".join(
            str((one.get("content") or {}).get("name", "")) for one in answers.values() if isinstance(one, dict)
        )
        if name == "test_tool_with_task":
            return self.tasks.start(name, {"seconds": 0.1, "label": said})
        return text(f"Hello, {said}! state-ok")

    def _round(self, name: str, state: str | None) -> int:
        if state is None:
            return 0
        try:
            return int(sealed_state.unseal(state, agent_id="fixtures", call=name))
        except sealed_state.BadState as error:
            raise Fault(INVALID_PARAMS, str(error)) from error

    def get_task(self, task_id: str) -> Result:
        return self.tasks.get(task_id)

    def update_task(self, task_id: str, answers: Mapping[str, Any]) -> None:
        self.tasks.update(task_id, answers)

    def cancel_task(self, task_id: str) -> None:
        self.tasks.cancel(task_id)


def missing(required: Mapping[str, Any]) -> Fault:
    data = {"requiredCapabilities": dict(required)}
    return Fault(MISSING_REQUIRED_CLIENT_CAPABILITY, "The request does not declare what this tool needs.", data=data)
