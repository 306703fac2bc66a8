"""The envelope: bytes to one checked message, by the rules of the era it was sent in. Pure but for the request's headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_types.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from mcp_types.methods import validate_client_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from gateway import strict_json

META = "io.modelcontextprotocol/"
TASKS = f"{META}tasks"
# What a request says of itself where its header says nothing: the revision that had no such header.
UNSAID = "2025-03-26"
HANDSHAKE_METHODS = frozenset({"initialize", "ping", "tools/list", "tools/call"})
MODERN_METHODS = frozenset(
    {"server/discover", "tools/list", "tools/call", "tasks/get", "tasks/update", "tasks/cancel"}
)  # fmt: skip

Id = str | int | None


class Fault(Exception):
    """A JSON-RPC error to answer with. `status` is HTTP's in the modern era; `ledgered`: it is proof of a refusal."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        data: Mapping[str, Any] | None = None,
        ledgered: bool = True,
    ) -> None:
        self.code, self.status, self.data, self.ledgered = code, status, data, ledgered
        # Filled in once the message's own id is known.
        self.id: Id = None
        super().__init__(message)

    def in_handshake_era(self) -> None:
        """Clients of that era take an HTTP error for a broken connection and read no further."""
        self.status = 200

    def body(self) -> dict[str, Any]:
        """The JSON-RPC error answer, with the id of its request."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = dict(self.data)
        return {"jsonrpc": "2.0", "id": self.id, "error": error}


@dataclass(frozen=True, slots=True)
class Message:
    """One checked request; a notification has no id."""

    id: Id
    method: str
    params: Mapping[str, Any]
    version: str
    era: Literal["handshake", "modern"]

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the client sends along; in the handshake era it may be missing or of any kind."""
        found = self.params.get("_meta")
        return found if isinstance(found, Mapping) else {}

    @property
    def declares(self) -> Mapping[str, Any]:
        """The capabilities this request declares. A handshake era client's are not known here: there is no session."""
        return self.meta.get(f"{META}clientCapabilities", {}) if self.era == "modern" else {}

    @property
    def takes_tasks(self) -> bool:
        return TASKS in (self.declares.get("extensions") or {})

    @property
    def opens_urls(self) -> bool:
        return "url" in (self.declares.get("elicitation") or {})


def is_notification(body: Any) -> bool:
    """Whether a parsed body asks for no answer: a notification, or a client's answer to nothing we asked."""
    return isinstance(body, dict) and ("id" not in body or "method" not in body) and body.get("jsonrpc") == "2.0"


def parse(raw: bytes) -> Any:
    """The one strict parse (R-30). Raises Fault."""
    try:
        return strict_json.parse(raw)
    except strict_json.TooLarge as error:
        raise Fault(PARSE_ERROR, str(error), status=413) from error
    except strict_json.BadJSON as error:
        raise Fault(PARSE_ERROR, str(error)) from error


def read(body: Any, headers: Mapping[str, str]) -> Message:
    """The message of a parsed body under its headers. Raises Fault, with the request's id as soon as there is one."""
    _check_envelope(body)
    try:
        return _message(body, headers)
    except Fault as fault:
        fault.id = body["id"]
        raise


def _check_envelope(body: Any) -> None:
    if not isinstance(body, dict):
        raise Fault(INVALID_REQUEST, "The body is not one JSON-RPC object. Batches are not part of this protocol.")
    extra = set(body) - {"jsonrpc", "id", "method", "params"}
    fits = (
        body.get("jsonrpc") == "2.0"
        and isinstance(body.get("id"), str | int)
        and not isinstance(body.get("id"), bool)
        and isinstance(body.get("method"), str)
        and isinstance(body.get("params", {}), dict)
    )
    if extra or not fits:
        raise Fault(
            INVALID_REQUEST, 'Send {"jsonrpc": "2.0", "id": text or integer, "method": text, "params": object}.'
        )


def _message(body: Mapping[str, Any], headers: Mapping[str, str]) -> Message:
    params = body.get("params", {})
    said = header(headers, "MCP-Protocol-Version")
    meant = _said_inside(params)
    version = said or (UNSAID if meant is None else "")
    if body["method"] == "initialize" and said not in MODERN_PROTOCOL_VERSIONS:
        version = said if said in HANDSHAKE_PROTOCOL_VERSIONS else UNSAID
    if not version:
        raise Fault(HEADER_MISMATCH, "MCP-Protocol-Version is missing. Send the header with the version of _meta.")
    if version not in KNOWN_PROTOCOL_VERSIONS:
        raise unsupported(version)
    if version in MODERN_PROTOCOL_VERSIONS:
        return _modern(body, params, version, headers)
    return _handshake(body, params, version)


def _said_inside(params: Mapping[str, Any]) -> Any:
    meta = params.get("_meta")
    return meta.get(f"{META}protocolVersion") if isinstance(meta, Mapping) else None


def unsupported(version: str) -> Fault:
    """An unknown protocol version, with those that are served."""
    data = {"supported": list(reversed(KNOWN_PROTOCOL_VERSIONS)), "requested": version}
    sentence = "This protocol version is not served here."
    return Fault(UNSUPPORTED_PROTOCOL_VERSION, sentence, data=data, ledgered=False)


def no_such_method(method: str) -> Fault:
    """Clients probe for what a server offers, so this is no refusal for the ledger."""
    return Fault(METHOD_NOT_FOUND, f"There is no method {method[:80]} here.", status=404, ledgered=False)


def _handshake(body: Mapping[str, Any], params: Mapping[str, Any], version: str) -> Message:
    try:
        if body["method"] not in HANDSHAKE_METHODS:
            raise no_such_method(body["method"])
        _check_params(body["method"], version, params)
    except Fault as fault:
        fault.in_handshake_era()
        raise
    return Message(body["id"], body["method"], params, version, "handshake")


def _modern(body: Mapping[str, Any], params: Mapping[str, Any], version: str, headers: Mapping[str, str]) -> Message:
    """In this order: the method exists, _meta is whole, headers say what the body says, the client declared what it uses."""
    method = body["method"]
    if method not in MODERN_METHODS:
        raise no_such_method(method)
    meant = _said_inside(params)
    if meant is not None and meant != version:
        raise Fault(HEADER_MISMATCH, "MCP-Protocol-Version and _meta name different versions. Send the same.")
    if not method.startswith("tasks/"):
        _check_params(method, version, params)
    else:
        _check_task_params(params, method)
    _check_routing(method, params, headers)
    message = Message(body["id"], method, params, version, "modern")
    if method.startswith("tasks/") and not message.takes_tasks:
        data: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
        sentence = f"{method} needs the tasks extension. Declare {TASKS} in this request's client capabilities."
        raise Fault(MISSING_REQUIRED_CLIENT_CAPABILITY, sentence, data=data)
    return message


def _check_params(method: str, version: str, params: Mapping[str, Any]) -> None:
    try:
        validate_client_request(method, version, params)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        raise Fault(INVALID_PARAMS, f"{where}: {first['msg']}."[:300]) from error


def _check_task_params(params: Mapping[str, Any], method: str) -> None:
    """The extension's own requests; _meta has the same rules, so `server/discover`, which is nothing else, checks it."""
    _check_params("server/discover", MODERN_PROTOCOL_VERSIONS[-1], {"_meta": params.get("_meta")})
    if not isinstance(params.get("taskId"), str):
        raise Fault(INVALID_PARAMS, "params/taskId is missing. Send the taskId of the answer that made the task.")
    if method == "tasks/update" and not isinstance(params.get("inputResponses"), dict):
        raise Fault(INVALID_PARAMS, "params/inputResponses is missing. Send an object of answers by their key.")


def _check_routing(method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Headers that name the method and its object must say what the body says (M-06); the body is what is acted on."""
    _same(headers, "Mcp-Method", method)
    if method == "tools/call":
        _same(headers, "Mcp-Name", params["name"])
    # Clients in the field leave the name out here, so only a wrong one is refused.
    elif method.startswith("tasks/") and header(headers, "Mcp-Name") is not None:
        _same(headers, "Mcp-Name", params["taskId"])


def _same(headers: Mapping[str, str], name: str, wanted: str) -> None:
    found = header(headers, name)
    if found is None:
        raise Fault(HEADER_MISMATCH, f"{name} is missing. Send the value that stands in the body.")
    if found != wanted:
        raise Fault(HEADER_MISMATCH, f"{name} does not say what the body says. Send the same value in both.")


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header without the blanks around it (RFC 9110 5.5), or None."""
    found = headers.get(name)
    return found.strip(" \t") if found is not None else None
