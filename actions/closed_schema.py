"""Makes a schema that somebody else wrote one that Remit can check: no reference, no remote address, no pattern. Pure.

A pattern of a stranger's can take hours to match (M-07), so it is left to the system, which checks its own arguments anyway;
what was left out is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

MAX_DEPTH = 24
MAX_NODES = 3000
_DROPPED = {
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "examples",
    "example",
    "xml",
    "externalDocs",
    "deprecated",
    "discriminator",
}
_REFUSED = {"$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$anchor", "patternProperties", "x-mcp-header"}
# Keywords that hold values, not schemas.
_VALUES = {"default", "const", "enum", "required", "type", "dependentRequired"}
# Keywords whose names are the schema's own words for arguments.
_NAMED = {"properties", "dependentSchemas"}
_COMBINED = ("allOf", "anyOf", "oneOf", "if", "then", "else", "not", "$ref")


class SchemaProblem(ValueError):
    """The schema cannot be used; the message says where and why."""


@dataclass
class WrittenOut:
    """A schema without references, and the sentences about what was left out of it."""

    schema: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    # How many parts it has.
    nodes: int = 0


class _Writer:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root, self.nodes, self.notes = root, 0, list[str]()

    def schema(self, node: Any, at: str, depth: int, through: tuple[str, ...]) -> Any:
        if isinstance(node, bool):
            return node
        if not isinstance(node, dict):
            raise SchemaProblem(f"{at or '/'} is not a schema.")
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise SchemaProblem(f"It has more than {MAX_NODES} parts or is nested deeper than {MAX_DEPTH} levels.")
        if "$ref" in node:
            return self._referred(node, at, depth, through)
        return {
            key: self._part(key, part, f"{at}/{key}", depth, through)
            for key, part in node.items()
            if self._is_kept(key, part, at)
        }

    def _is_kept(self, key: str, part: Any, at: str) -> bool:
        if key in _REFUSED:
            raise SchemaProblem(f"{at or '/'}: {key} is not supported.")
        if key == "pattern":
            self.notes.append(f"The pattern of {at or '/'} is left to the system to check.")
        return key != "pattern" and key not in _DROPPED and not key.startswith("x-")

    def _part(self, key: str, part: Any, at: str, depth: int, through: tuple[str, ...]) -> Any:
        if key in _VALUES or not isinstance(part, dict | list):
            return part
        if key in _NAMED and isinstance(part, dict):
            return {name: self.schema(one, f"{at}/{name}", depth + 1, through) for name, one in part.items()}
        if isinstance(part, list):
            return [self.schema(one, f"{at}/{n}", depth + 1, through) for n, one in enumerate(part)]
        return self.schema(part, at, depth + 1, through)

    def _referred(self, node: Mapping[str, Any], at: str, depth: int, through: tuple[str, ...]) -> Any:
        pointer = node["$ref"]
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            raise SchemaProblem(f"{at or '/'}: $ref leaves the document, and nothing is fetched. Write the schema out.")
        if pointer in through:
            raise SchemaProblem(f"{at or '/'}: {pointer[:120]} refers to itself.")
        beside = set(node) - {"$ref", "description", "title", "summary", "default"}
        if beside:
            raise SchemaProblem(f"{at or '/'}: $ref stands beside {', '.join(sorted(beside))}. Write the schema out.")
        found = self.schema(resolved(self.root, pointer), at, depth + 1, (*through, pointer))
        told = {key: node[key] for key in ("description", "title", "default") if key in node}
        return {**found, **told} if isinstance(found, dict) else found


def resolved(root: Mapping[str, Any], pointer: str) -> Any:
    """What a JSON Pointer of this document names. Raises SchemaProblem."""
    node: Any = root
    for part in [unquote(one).replace("~1", "/").replace("~0", "~") for one in pointer[1:].split("/")[1:]]:
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            raise SchemaProblem(f"{pointer[:120]} names nothing in the document.")
    return node


def written_out(node: Mapping[str, Any], root: Mapping[str, Any]) -> WrittenOut:
    """The schema with its local references of `root` in place. Raises SchemaProblem."""
    writer = _Writer(root)
    try:
        found = writer.schema(node, "", 0, ())
    except RecursionError as error:
        raise SchemaProblem("It is nested too deep.") from error
    return WrittenOut(found if isinstance(found, dict) else {}, writer.notes, writer.nodes)


def _close(node: Any) -> None:
    """Records inside arguments take the names they list too, where nothing else is said of them (R-30)."""
    if not isinstance(node, dict):
        return
    if "properties" in node and not any(key in node for key in ("additionalProperties", *_COMBINED)):
        node["additionalProperties"] = False
    items = node.get("items")
    for part in [*(node.get("properties") or {}).values(), *(node.get("prefixItems") or []), items]:
        _close(part)


def closed(node: Mapping[str, Any], root: Mapping[str, Any]) -> WrittenOut:
    """The same for a tool's arguments: an object that takes the names it lists and no others (B-06). Raises SchemaProblem."""
    found = written_out(node, root)
    schema = found.schema
    if schema.get("type", "object") != "object":
        raise SchemaProblem("Its arguments are not an object.")
    combined = [key for key in _COMBINED if key in schema]
    if combined:
        raise SchemaProblem(f"{combined[0]} stands over all its arguments, so their names cannot be closed.")
    if schema.get("additionalProperties") not in (None, False):
        found.notes.append("It takes more names than it lists. Only those it lists can be sent.")
    schema |= {"type": "object", "additionalProperties": False, "properties": schema.get("properties") or {}}
    schema.pop("unevaluatedProperties", None)
    for part in schema["properties"].values():
        _close(part)
    missing = [name for name in schema.get("required") or [] if name not in schema["properties"]]
    if missing:
        raise SchemaProblem(f"{', '.join(map(str, missing))[:120]} is required and not listed.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise SchemaProblem(f"{error.message[:200]}.") from error
    return found
