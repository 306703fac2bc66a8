"""The operations of an OpenAPI document as offers: what a connection of kind `http` carries out faithfully, and why not. Pure.

INVARIANT: methods and words of the document are hints; nothing of it says where a request goes. Held by
tests/upstreams/test_openapi_offers.py.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from actions.closed_schema import SchemaProblem
from actions.offers import MAX_DESCRIPTION, Offer, placed, plain_words, told_apart, tool_name
from actions.openapi.document import BadDocument, Document, servers_of
from actions.openapi.looks import with_looks
from actions.openapi.parts import Taken, answers_of, has_version, names_of, take_body, take_parameters
from actions.openapi.references import References
from actions.openapi.schemas import Schemas, Unfit
from actions.openapi.sign_in import scope_of
from traces.canonical import canonical_bytes

MAX_OPERATIONS = 500
MAX_SOURCE = 64 * 1024
MOST_NOTES = 20
MAX_KEY = 400
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
# What HTTP says of a method (RFC 9110, 9.2): a hint in words, and the effect class that it would mean.
HINTS = {
    "GET": ("GET is for reading: a read.", "read"),
    "POST": ("POST may do anything: side effects, unless you know better.", "side_effect"),
    "PUT": ("PUT replaces a record, and the same call again changes nothing: a write.", "write"),
    "PATCH": ("PATCH changes parts of a record: a write.", "write"),
    "DELETE": ("DELETE removes a record: a write.", "write"),
}
EFFECTS = ("side_effect", "write", "draft", "continuous")


def openapi_offers(slug: str, document: Document) -> list[Offer]:
    """Every operation of the document, in its order. Raises BadDocument for more than `MAX_OPERATIONS`."""
    found = list(_operations(document))
    if not found:
        raise BadDocument("/paths: It describes no operation.")
    if len(found) > MAX_OPERATIONS:
        raise BadDocument(f"/paths: It has more than {MAX_OPERATIONS} operations. Cut it to what agents need.")
    schemas, references = Schemas(document), References(document)
    twice = {name for name, n in Counter(_id(item.get(method)) for _, method, item in found).items() if name and n > 1}
    offers = [_offer(slug, schemas, references, one, twice) for one in found]
    return told_apart([*with_looks(offers), *_webhooks(slug, document)])


def _operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """`(path, method, the path's item)`; a path that is no object or is another's is one operation, for its reason."""
    count = 0
    for path, item in (document.value.get("paths") or {}).items():
        if path.startswith("x-"):
            continue
        known = [method for method in METHODS if isinstance(item, dict) and method in item]
        for method in known or (["trace"] if not isinstance(item, dict) or "$ref" in item else []):
            count += 1
            yield path, method, item if isinstance(item, dict) else {}
            if count > MAX_OPERATIONS:
                return


def _id(operation: Any) -> str:
    said = operation.get("operationId") if isinstance(operation, dict) else None
    return said if isinstance(said, str) else ""


def _offer(
    slug: str,
    schemas: Schemas,
    references: References,
    found: tuple[str, str, Mapping[str, Any]],
    twice: set[str],
) -> Offer:
    path, method, item = found
    said = item.get(method)
    operation: Mapping[str, Any] = said if isinstance(said, dict) else {}
    key = f"{method.upper()} {path}"[:MAX_KEY]
    hint, suggests = HINTS.get(method.upper(), ("", ""))
    told: dict[str, Any] = {
        "key": key, "name": tool_name(slug, _id(operation) or f"{method} {path}"), **_words(key, operation),
        "hints": [hint] if hint else [], "suggests": suggests,
    }  # fmt: skip
    pinned = {"openapi": _described(references, key, operation, item)}
    try:
        if _id(operation) in twice:
            raise Unfit(f"Several operations have the operationId {_id(operation)[:80]}, so none of them has it.")
        carried = _carried(schemas, path, method.upper(), item)
    except (Unfit, SchemaProblem) as error:
        return Offer(**told, operation=pinned, problem=str(error))
    return Offer(**told, **{**carried, "operation": {**carried["operation"], **pinned}})


def _words(key: str, operation: Mapping[str, Any]) -> dict[str, str]:
    title = plain_words(operation.get("summary") or _id(operation) or key, 200) or key[:200]
    return {"title": title, "description": plain_words(operation.get("description") or title, MAX_DESCRIPTION)}


def _described(
    references: References, key: str, operation: Mapping[str, Any], item: Mapping[str, Any]
) -> dict[str, Any]:
    """The operation as it stands in the document, whole where it is not too long, and the digest of it and all it refers to."""
    source = {"operation": operation, "parameters": item.get("parameters") or []}
    short = len(canonical_bytes(source)) <= MAX_SOURCE
    return {"key": key, "source": source if short else {}, "refs": references.digest(source)}


def _carried(schemas: Schemas, path: str, method: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """The offer's schema and operation. Raises Unfit or SchemaProblem."""
    operation = _plain_operation(method, item)
    shared, own = item.get("parameters") or [], operation.get("parameters") or []
    if not isinstance(shared, list) or not isinstance(own, list):
        raise Unfit("Its parameters are not a list.")
    taken = take_parameters(schemas, method, path, [*shared, *own])
    take_body(schemas, taken, method, operation.get("requestBody"))
    ok, empty, told = answers_of(schemas, operation.get("responses"))
    scope, notes = scope_of(schemas, operation, "read" if method == "GET" else "write")
    does = _read(taken, scope, ok, empty) if method == "GET" else _write(taken, scope, method, ok, empty)
    return {
        "input_schema": _input(taken), "operation": {"class": "C", **does},
        "only": ["read"] if method == "GET" else list(EFFECTS),
        "notes": [*_about(method), *taken.notes, *told, *notes][:MOST_NOTES], "precondition": taken.precondition,
        "answers": names_of(schemas, operation["responses"], ok), "has_version": has_version(schemas, operation, ok),
    }  # fmt: skip


def _plain_operation(method: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The operation, if it is one that a connection asks for at its own address. Raises Unfit."""
    operation = item.get(method.lower())
    if "$ref" in item:
        raise Unfit("Its path is described elsewhere ($ref). Write it out.")
    if method not in HINTS:
        raise Unfit(f"A connection does not send {method}.")
    if not isinstance(operation, dict):
        raise Unfit("It is not an object.")
    named = [*servers_of(item), *servers_of(operation)]
    if named:
        raise Unfit(
            f"It names a server of its own ({', '.join(named)[:200]}), and calls go to the connection's address."
        )
    if operation.get("callbacks"):
        raise Unfit("It asks for callbacks, which nobody here takes.")
    return operation


def _about(method: str) -> list[str]:
    if method == "GET":
        return [
            "It is called as a read, and read before anything is decided. If it changes something, do not import it."
        ]
    return []


def _input(taken: Taken) -> dict[str, Any]:
    return {
        "type": "object", "additionalProperties": False, "properties": taken.properties,
        **({"required": taken.required} if taken.required else {}),
    }  # fmt: skip


def _read(taken: Taken, scope: str, ok: list[int], empty: list[int]) -> dict[str, Any]:
    if 200 not in ok or 200 in empty:
        raise Unfit("What is read must answer 200 with one JSON object.")
    return {"read": {"path": taken.target, "scope": scope}}


def _write(taken: Taken, scope: str, method: str, ok: list[int], empty: list[int]) -> dict[str, Any]:
    write = {"method": method, "path": taken.target, "scope": scope, "body": "fields" if taken.has_body else "none",
             "ok": ok, **({"empty": empty} if empty else {})}  # fmt: skip
    return {"write": {**write, **({"key_header": taken.key_header} if taken.key_header else {})}}


def _webhooks(slug: str, document: Document) -> list[Offer]:
    """What the system sends by itself is no operation; it is named so that nobody looks for it."""
    names = [plain_words(name, 80) or "?" for name in list(document.value.get("webhooks") or {})[:MAX_OPERATIONS]]
    why = "A webhook is something the system sends, not something to call."
    return [Offer(f"webhook {name}", tool_name(slug, f"webhook_{name}"), name, why, problem=why) for name in names]


def renewed(definition: Mapping[str, Any], now: Offer, described: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's definition with what a document says now in it (`described`, and what is sent); what an admin said stays, the
    document's words are taken anew.

    An operation that can't be carried out any more keeps its earlier request beside the new description: nobody can approve it
    into use without seeing it, and an import refuses it.
    """
    does = definition["operation"]
    was = _words(does["openapi"]["key"], does["openapi"]["source"].get("operation") or {})
    changed = {**definition, "operation": {**does, "openapi": dict(described)}}
    if not now.problem:
        parts = {
            name: {**does.get(name, {}), **now.operation[name]} for name in ("read", "write") if name in now.operation
        }
        changed |= {"input_schema": dict(now.input_schema), "operation": changed["operation"] | parts} | placed(now)
    words = {"title": now.title, "description": now.description}
    return changed | {name: text for name, text in words.items() if definition[name] == was[name]}
