"""The operation part of a tool definition: a closed description of one read or write over HTTP. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator

KEY_WINDOW_S = 24 * 3600
LAG_S = 5
EFFECT_FREE = (400, 401, 403, 404, 405, 409, 410, 412, 415, 422, 428, 429)
_PLACEHOLDER = re.compile(r"{(\w+)}")
# RFC 6570 form-style query: `{?limit,page}`, of which those are sent that the call has.
_QUERY = re.compile(r"{\?([^}]*)}\Z")
MAX_QUERY_VALUE = 1000
_LEAVES = re.compile(r"[/\\]")
# One path of the connection's own host: no empty or dot segments, whole placeholders only.
_PART = r"(?:[A-Za-z0-9_-]|\{[a-z]\w*\})(?:[A-Za-z0-9_.-]|\{[a-z]\w*\})*"
_ASKED = rf"\?{_PART}={_PART}(?:&{_PART}={_PART})*"
_MAY_ASK = r"\{\?[a-z]\w*(?:,[a-z]\w*)*\}"
_PATH = {"type": "string", "pattern": rf"^(?=/)(?:/{_PART})*/?(?:{_ASKED}|{_MAY_ASK})?\Z", "maxLength": 600}
_SCOPE = {"type": "string", "pattern": r"^[a-z][a-z0-9_:.-]{0,60}$"}
_NAME = {"type": "string", "pattern": r"^[A-Za-z_]\w{0,60}\Z"}
# A tool of an MCP server: its definition as the server lists it, pinned whole, and what an admin says of it.
_CALL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tool", "server", "reads"],
    "properties": {
        "tool": {"type": "string", "pattern": r"^[A-Za-z0-9_./-]{1,128}\Z"},
        "server": {"type": "object", "required": ["name", "inputSchema"]},
        "reads": {"type": "boolean"},
        "scope": _SCOPE,
        "error_means": {"enum": ["unknown", "no_effect"]},
        "dry_run": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {
                "tool": {"type": "string", "pattern": r"^[A-Za-z0-9_./-]{1,128}\Z"},
                "argument": _NAME,
                "digest": {"type": "string", "pattern": r"^sha256:[0-9a-f]{64}\Z"},
            },
        },
    },
}
# An operation of an OpenAPI document as it stood there when an admin read it, pinned whole; what it refers to, by digest.
_DESCRIBED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key", "source", "refs"],
    "properties": {
        "key": {"type": "string", "pattern": r"^[A-Z]{3,7} /", "maxLength": 400},
        "source": {"type": "object"},
        "refs": {"type": "string", "pattern": r"^sha256:[0-9a-f]{64}\Z"},
        # The operation that shows the record, as it was described when an admin chose it.
        "look": {
            "type": "object",
            "additionalProperties": False,
            "required": ["key", "digest"],
            "properties": {
                "key": {"type": "string", "pattern": r"^GET /", "maxLength": 400},
                "digest": {"type": "string", "pattern": r"^sha256:[0-9a-f]{64}\Z"},
            },
        },
    },
}
_READ = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path", "scope"],
    "properties": {"path": _PATH, "scope": _SCOPE, "rows": _NAME},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["class"],
    "anyOf": [{"required": ["read"]}, {"required": ["write"]}, {"required": ["agent"]}, {"required": ["mcp"]}],
    "properties": {
        "class": {"enum": ["A", "B", "C"]},
        "mcp": _CALL,
        "openapi": _DESCRIBED,
        "agent": {
            "type": "object",
            "additionalProperties": False,
            "required": ["report_s"],
            "properties": {"report_s": {"type": "integer", "minimum": 1, "maximum": 7 * 86400}},
        },
        "key_window_s": {"type": "integer", "minimum": 60, "maximum": 365 * 86400},
        "read": _READ,
        "write": {
            "type": "object",
            "additionalProperties": False,
            "required": ["method", "path", "scope", "body", "ok"],
            "properties": {
                "method": {"enum": ["POST", "PATCH", "PUT", "DELETE"]},
                "path": _PATH,
                "scope": _SCOPE,
                "body": {"enum": ["fields", "arguments", "none"]},
                "if_match": {"type": "boolean"},
                "key_header": {"type": "string", "pattern": "^[A-Za-z-]{1,60}$"},
                "ok": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 200, "maximum": 299}},
                "empty": {"type": "array", "items": {"type": "integer", "minimum": 200, "maximum": 299}},
                "effect_free": {"type": "array", "items": {"type": "integer", "minimum": 400, "maximum": 499}},
            },
        },
        "read_created": {
            "type": "object",
            "additionalProperties": False,
            "required": ["path"],
            "properties": {"path": _PATH},
        },
        "look_up": {
            "type": "object",
            "additionalProperties": False,
            "required": ["path", "at", "scope"],
            "properties": {
                "path": {**_PATH, "allOf": [{"pattern": r"\{reference\}"}]},
                "at": _NAME,
                "scope": _SCOPE,
                "lag_s": {"type": "integer", "minimum": 0, "maximum": 3600},
            },
        },
        "history": {
            "type": "object",
            "additionalProperties": False,
            "required": ["path", "at", "scope", "field", "new", "when"],
            "properties": {
                "path": _PATH,
                "scope": _SCOPE,
                **dict.fromkeys(("at", "field", "new", "when", "who"), _NAME),
            },
        },
        "normalise": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"enum": ["trim", "collapse", "lower", "upper"]}},
        },
        "link": _PATH,
    },
}


class OperationError(ValueError):
    """An operation section that cannot be used, or arguments that cannot stand in a path."""


@dataclass(frozen=True, slots=True)
class Read:
    """Reads one record, or, where `rows` names a list in the answer, many of the tool's resource type."""

    path: str
    scope: str
    rows: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """One request with an effect. `ok`: statuses that prove it; those in `empty` do so without a body too."""

    method: str
    path: str
    scope: str
    body: str
    if_match: bool
    key_header: str | None
    ok: frozenset[int]
    effect_free: frozenset[int]
    empty: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class LookUp:
    """Finds what was done under our reference: a list named `at` in the answer to `path` (F-02, class B).

    `lag_s` is how long after its effect a request may still be missing from the answer.
    """

    path: str
    at: str
    scope: str
    lag_s: int = LAG_S


@dataclass(frozen=True, slots=True)
class History:
    """Where the system tells who changed what: a list named `at`, and the names of its parts; `who` where it says so."""

    path: str
    at: str
    scope: str
    field: str
    new: str
    when: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool of an MCP server. `server` is its definition as approved; what the server lists must equal it.

    `error_is_no_effect`: an admin says that this tool's own error answer proves that nothing happened.
    `dry_run_tool` and `dry_run_argument`: how to ask what it would do; both "" where it has no dry run.
    """

    tool: str
    server: Mapping[str, Any]
    reads: bool
    scope: str = "mcp:call"
    error_is_no_effect: bool = False
    dry_run_tool: str = ""
    dry_run_argument: str = ""
    # The pinned definition of another tool that does the dry run.
    dry_run_digest: str = ""

    @property
    def has_dry_run(self) -> bool:
        return bool(self.dry_run_tool)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `klass` is the idempotency class of F-02, `key_window_s` how long class A remembers a key.

    `report_s`: the agent does it itself and has that many seconds to say how it ended; None where Remit does it.
    """

    klass: str
    key_window_s: int
    read: Read | None
    write: Write | None
    read_created: str | None
    look_up: LookUp | None
    history: History | None
    normalise: Mapping[str, tuple[str, ...]]
    link: str | None
    report_s: int | None = None
    call: Call | None = None

    @property
    def by_agent(self) -> bool:
        return self.report_s is not None

    @property
    def has_effect(self) -> bool:
        """Whether Remit's own request may change something there."""
        return self.write is not None or (self.call is not None and not self.call.reads)

    @property
    def scope(self) -> str:
        """The one scope of an attempt's credential."""
        part = self.write or self.read or self.call
        assert part is not None  # An operation that Remit runs reads, writes or calls.
        return part.scope


def parse_operation(data: Mapping[str, Any]) -> Operation:
    """Raises OperationError naming the field."""
    error = next(iter(Draft202012Validator(SCHEMA).iter_errors(data)), None)
    if error is not None:
        where = "operation." + ".".join(map(str, error.absolute_path)) if error.absolute_path else "operation"
        raise OperationError(f"{where}: {error.message}.")
    read, write, look_up = data.get("read"), data.get("write"), data.get("look_up")
    if "agent" in data and (set(data) != {"agent", "class"} or data["class"] != "C"):
        raise OperationError(
            "operation.agent: Remit sees nothing of what the agent does. Say class C and nothing else."
        )
    if "mcp" in data and (set(data) != {"mcp", "class"} or data["class"] != "C"):
        raise OperationError("operation.mcp: MCP has no idempotency and no look-up. Say class C and nothing else.")
    return Operation(
        klass=data["class"],
        key_window_s=data.get("key_window_s", KEY_WINDOW_S),
        read=Read(**read) if read else None,
        write=_write(write) if write else None,
        read_created=(data.get("read_created") or {}).get("path"),
        look_up=LookUp(**look_up) if look_up else None,
        history=History(**data["history"]) if "history" in data else None,
        normalise={name: tuple(steps) for name, steps in (data.get("normalise") or {}).items()},
        link=data.get("link"),
        report_s=data["agent"]["report_s"] if "agent" in data else None,
        call=_call(data["mcp"]) if "mcp" in data else None,
    )


def check_class(operation: Operation) -> None:
    """A class is a promise about what can be found out after a lost answer; it needs the means for it.

    Asked where tools are loaded. Raises OperationError.
    """
    if operation.write and operation.klass == "A" and operation.write.key_header is None:
        raise OperationError("operation.write: Class A sends an idempotency key. Name its header in key_header.")
    if operation.write and operation.klass == "B" and operation.look_up is None:
        raise OperationError("operation.look_up: Class B is looked up after a lost answer. Say where, or use class C.")


def _call(data: Mapping[str, Any]) -> Call:
    dry = data.get("dry_run") or {}
    if data["server"]["name"] != data["tool"]:
        raise OperationError("operation.mcp.tool: It is not the name in operation.mcp.server. Import it again.")
    if dry and not ("argument" in dry or ("tool" in dry and "digest" in dry)):
        raise OperationError(
            "operation.mcp.dry_run: Name its argument, or another tool with the digest of its definition."
        )
    return Call(
        tool=data["tool"],
        server=data["server"],
        reads=data["reads"],
        scope=data.get("scope", "mcp:call"),
        error_is_no_effect=data.get("error_means") == "no_effect",
        dry_run_tool=dry.get("tool", data["tool"]) if dry else "",
        dry_run_argument=dry.get("argument", ""),
        dry_run_digest=dry.get("digest", ""),
    )


def _write(data: Mapping[str, Any]) -> Write:
    return Write(
        method=data["method"],
        path=data["path"],
        scope=data["scope"],
        body=data["body"],
        if_match=bool(data.get("if_match", False)),
        key_header=data.get("key_header"),
        ok=frozenset(data["ok"]),
        effect_free=frozenset(data.get("effect_free", EFFECT_FREE)),
        empty=frozenset(data.get("empty", ())),
    )


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A path with its placeholders filled and percent-encoded.

    Raises OperationError for a missing value, or one that could name another record than was checked: servers
    decode %2F before they route, so an id with a slash would reach a path of its own.
    """

    def one(match: re.Match[str]) -> str:
        value = values.get(match[1])
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        # INVARIANT: a value stays one segment. Held by tests/connectors/test_operation.py.
        if not text or len(text) > 200 or not text.isprintable() or ".." in text or text == "." or _LEAVES.search(text):
            raise OperationError(f"{match[1]} cannot stand in a path. Send a plain id.")
        return quote(text, safe="")

    asked = _QUERY.search(template)
    return _PLACEHOLDER.sub(one, _QUERY.sub("", template)) + (_query(asked[1].split(","), values) if asked else "")


def _query(names: Sequence[str], values: Mapping[str, Any]) -> str:
    """`?limit=5&open=true`: what the call has of these. Behind the question mark nothing names another record."""
    pairs = [f"{name}={quote(_query_value(name, values[name]), safe='')}" for name in names if name in values]
    return "?" + "&".join(pairs) if pairs else ""


def _query_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, str | int) else None
    if text is None or len(text) > MAX_QUERY_VALUE or not text.isprintable():
        raise OperationError(f"{name} cannot stand in a query. Send plain text, a whole number, or true or false.")
    return text


_FORMS = {
    "trim": str.strip,
    "collapse": lambda text: re.sub(r"\s+", " ", text),
    "lower": str.lower,
    "upper": str.upper,
}


def normalised(operation: Operation, field: str, value: Any) -> Any:
    """The value in the form the system is declared to store it in."""
    if not isinstance(value, str):
        return value
    for step in operation.normalise.get(field, ()):
        value = _FORMS[step](value)
    return value
