"""What one operation of an OpenAPI document is sent and answers, as far as a connection carries it out. Pure.

INVARIANT: what would have to be left out for the operation to be called refuses it; only what may be absent is left out, and
told. Held by tests/upstreams/test_openapi_offers.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actions.closed_schema import SchemaProblem, closed
from actions.openapi.schemas import Schemas, Unfit, listed, named, plain_value

BODY = "body"
# RFC 9110: statuses that say that it was done. 202 only says that it was taken, 207 that some of it was.
DONE = (200, 201, 204)
MAX_PATH_VALUE = 200
_NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,60}\Z")
_TEMPLATE = re.compile(r"{([^{}]*)}")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9_-]|{[a-z][A-Za-z0-9_]*})(?:[A-Za-z0-9_.-]|{[a-z][A-Za-z0-9_]*})*\Z")
# Headers that the document's own rules take from elsewhere (OpenAPI, Parameter Object).
_ELSEWHERE = {"accept", "content-type", "authorization"}
_IDEMPOTENCY = "idempotency-key"
_IF_MATCH = "if-match"
MOST_NAMES = 200


@dataclass
class Taken:
    """What a call takes: arguments by name, and where they go."""

    path: str
    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    query: list[str] = field(default_factory=list)
    key_header: str = ""
    has_body: bool = False
    # Whether it takes the version that was read with a change: "", "may" or "must".
    precondition: str = ""
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, schema: Mapping[str, Any], *, required: bool) -> None:
        """Raises Unfit for a name that is taken already."""
        if name in self.properties:
            raise Unfit(f"Two of its arguments are called {name}.")
        self.properties[name] = dict(schema)
        if required:
            self.required.append(name)

    @property
    def target(self) -> str:
        """The path with the names of its query, as a connection writes it."""
        return self.path + (f"{{?{','.join(self.query)}}}" if self.query else "")


def take_parameters(schemas: Schemas, method: str, path: str, described: Sequence[Any]) -> Taken:
    """Raises Unfit or SchemaProblem."""
    taken, found = Taken(path), _merged(schemas, described)
    for (place, name), parameter in found.items():
        if place == "path":
            _take_path(schemas, taken, name, parameter)
        elif place == "query":
            _take_query(schemas, taken, name, parameter)
        else:
            _take_header(taken, method, place, name, parameter)
    in_path = {name for place, name in found if place == "path"}
    missing = [name for name in _TEMPLATE.findall(path) if name not in in_path]
    if missing:
        raise Unfit(f"Its path names {', '.join(missing)[:120]}, which no parameter describes.")
    bad = next((part for part in taken.path[1:].rstrip("/").split("/") if part and not _SEGMENT.match(part)), None)
    if not taken.path.startswith("/") or "//" in taken.path or bad is not None:
        raise Unfit(f"Its path has a part that a connection does not ask for: {(bad or taken.path)[:80]}.")
    return taken


def _merged(schemas: Schemas, described: Sequence[Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Parameters by place and name; those of the operation come after those of its path, and count."""
    found = {}
    for node in described:
        parameter = schemas.referred(node)
        place, name = parameter.get("in"), parameter.get("name")
        if not isinstance(name, str) or not name or place not in ("path", "query", "header", "cookie"):
            raise Unfit("One of its parameters has no name, or stands in no place that OpenAPI knows.")
        found[str(place), name] = parameter
    return found


def _value(schemas: Schemas, parameter: Mapping[str, Any], style: str) -> dict[str, Any]:
    """The schema of one plain value. Raises Unfit or SchemaProblem."""
    if "content" in parameter or parameter.get("style", style) != style or parameter.get("allowReserved") is True:
        raise Unfit("is written in a way of its own")
    schema = plain_value(schemas.written(parameter.get("schema")).schema)
    told = parameter.get("description")
    return {**({"description": told} if isinstance(told, str) else {}), **schema}


def _take_path(schemas: Schemas, taken: Taken, name: str, parameter: Mapping[str, Any]) -> None:
    if f"{{{name}}}" not in taken.path:
        raise Unfit(f"{name[:80]} is to stand in its path, and does not.")
    try:
        schema = _value(schemas, parameter, "simple")
    except Unfit as error:
        raise Unfit(f"{name[:80]} in its path {error}.") from error
    if schema["type"] == "boolean":
        raise Unfit(f"{name[:80]} in its path is a yes or no, not an id.")
    if schema["type"] == "string":
        schema["minLength"] = schema.get("minLength") or 1
        schema["maxLength"] = min(schema.get("maxLength", MAX_PATH_VALUE), MAX_PATH_VALUE)
    argument = _argument(name)
    taken.path = taken.path.replace(f"{{{name}}}", f"{{{argument}}}")
    taken.add(argument, schema, required=True)


def _argument(name: str) -> str:
    """The parameter's name as one that a path of a connection can hold. Raises Unfit."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    found = plain[:1].lower() + plain[1:]
    if not _NAME.match(found):
        raise Unfit(f"{name[:80]} in its path is not a name that starts with a letter.")
    return found


def _take_query(schemas: Schemas, taken: Taken, name: str, parameter: Mapping[str, Any]) -> None:
    required = parameter.get("required") is True
    try:
        if not _NAME.match(name):
            raise Unfit("has a name that is not one plain word")
        schema = _value(schemas, parameter, "form")
        taken.add(name, schema, required=required)
    except (Unfit, SchemaProblem) as error:
        return _left_out(taken, f"{name[:80]} in its query", str(error).rstrip("."), required)
    taken.query.append(name)
    return None


def _take_header(taken: Taken, method: str, place: str, name: str, parameter: Mapping[str, Any]) -> None:
    if place == "header" and name.lower() in _ELSEWHERE:
        return
    if place == "header" and name.lower() == _IDEMPOTENCY:
        taken.key_header = name
        taken.notes.append(f"{name} is sent, the same on every attempt. That it is honoured is not relied on.")
        return
    if place == "header" and name.lower() == _IF_MATCH and method != "GET":
        taken.precondition = "must" if parameter.get("required") is True else "may"
        taken.notes.append(f"{name} is sent with the version that was read, where its record is read with one.")
        return
    what = "a header" if place == "header" else "a cookie"
    _left_out(taken, name[:80], f"is {what}, which agents do not send", parameter.get("required") is True)


def _left_out(taken: Taken, name: str, why: str, required: bool) -> None:
    """What may be absent is left out; what may not, refuses the operation. Raises Unfit."""
    if required:
        raise Unfit(f"It needs what a connection does not send: {name} {why}.")
    taken.notes.append(f"Left out: {name} {why}.")


def _json_of(content: Any) -> Any:
    """The part of a `content` that is JSON, None where there is none."""
    return next((part for name, part in named(content).items() if _is_json(name)), None)


def _is_json(name: str) -> bool:
    return name.split(";")[0].strip().lower() == "application/json"


def take_body(schemas: Schemas, taken: Taken, method: str, node: Any) -> None:
    """Raises Unfit or SchemaProblem."""
    if node is None:
        return None
    body = schemas.referred(node)
    if method in {"GET", "DELETE"}:
        return _left_out(
            taken, "its body", f"is one of a {method}, which not every system reads", bool(body.get("required"))
        )
    part = _json_of(body.get("content"))
    if not isinstance(part, dict):
        kinds = ", ".join(str(one)[:60] for one in list(named(body.get("content")))[:4])
        raise Unfit(f"Its body is {kinds or 'of no kind'}. A connection sends JSON.")
    if not isinstance(part.get("schema"), dict):
        raise Unfit("Nothing says what its body holds.")
    try:
        written = schemas.written(part["schema"])
        found = closed(written.schema, written.schema)
    except SchemaProblem as error:
        raise Unfit(f"The schema of its body can't be used. {error}") from error
    taken.notes += [*written.notes, *found.notes]
    taken.add(BODY, found.schema, required=True)
    taken.has_body = True
    if body.get("required") is not True:
        taken.notes.append("Its body may be absent there. Here it is always sent.")
    return None


def answers_of(schemas: Schemas, node: Any) -> tuple[list[int], list[int], list[str]]:
    """`(statuses that say it is done, those of them without a body, what was left out)`. Raises Unfit or SchemaProblem."""
    ok, empty, told = [], [], []
    for code, answer in named(node).items():
        if not re.fullmatch(r"2\d\d", str(code)):
            continue
        why, bare = _unread(schemas, int(code), schemas.referred(answer))
        if why:
            told.append(f"An answer {code} {why}.")
            continue
        ok.append(int(code))
        empty += [int(code)] if bare else []
    if not ok:
        raise Unfit(" ".join([*told[:4], "No answer of it says in JSON that it was done."]))
    return sorted(ok), sorted(empty), told


def _unread(schemas: Schemas, code: int, answer: Mapping[str, Any]) -> tuple[str, bool]:
    """Why an answer cannot stand for success, and whether it has no body."""
    content = answer.get("content")
    if code not in DONE:
        return "does not say that it was done", False
    if not content or code == 204:
        return "", True
    part = _json_of(content)
    if not isinstance(part, dict):
        return f"is {', '.join(str(one)[:60] for one in list(named(content))[:4])}, not JSON", False
    return ("" if _may_be_object(schemas, part.get("schema", {}), 0) else "is not one JSON object"), False


def _may_be_object(schemas: Schemas, node: Any, depth: int) -> bool:
    schema = schemas.referred(node)
    kind = schema.get("type")
    if kind is not None:
        return "object" in (kind if isinstance(kind, list) else [kind])
    parts = [one for key in ("allOf", "anyOf", "oneOf") for one in listed(schema.get(key))]
    return depth < 5 and all(_may_be_object(schemas, one, depth + 1) for one in parts[:50])


def names_of(schemas: Schemas, node: Any, ok: Sequence[int]) -> list[str]:
    """The names that the first answer which says that it was done lists; none where it lists nothing."""
    part = _json_of(_answer(schemas, node, ok).get("content"))
    try:
        return sorted(_listed_names(schemas, named(part).get("schema", {}), 0))[:MOST_NAMES]
    except (Unfit, SchemaProblem):
        return []  # What it shows is not needed to call it.


def _answer(schemas: Schemas, node: Any, ok: Sequence[int]) -> Mapping[str, Any]:
    found = {str(code): answer for code, answer in named(node).items()}
    return schemas.referred(found[str(ok[0])])


def _listed_names(schemas: Schemas, node: Any, depth: int) -> set[str]:
    """What an object shows, also what the system sets itself."""
    schema = schemas.referred(node)
    parts = listed(schema.get("allOf")) if depth < 5 else []
    return set(named(schema.get("properties"))).union(*(_listed_names(schemas, one, depth + 1) for one in parts[:50]))


def has_version(schemas: Schemas, operation: Mapping[str, Any], ok: Sequence[int]) -> bool:
    """Whether its answer names a version of the record (RFC 9110, ETag)."""
    headers = named(_answer(schemas, operation["responses"], ok).get("headers"))
    return any(str(name).lower() == "etag" for name in headers)
