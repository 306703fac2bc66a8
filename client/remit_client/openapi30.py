"""Remit's OpenAPI 3.1 document in the words of 3.0, for readers that know no other. Pure.

What 3.0 cannot say of arguments is left out: Remit checks each call by the tool's own schema, whatever a reader was told.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
VERSION = "3.0.3"
NULL = {"type": "null"}
# Keywords that mean the same in both.
_SAME = (
    "$ref", "title", "description", "type", "format", "enum", "default", "required", "pattern", "multipleOf", "maximum",
    "minimum", "maxLength", "minLength", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "readOnly",
    "writeOnly", "deprecated",
)  # fmt: skip
_SEVERAL = ("allOf", "anyOf", "oneOf")
_ONE = ("items", "not", "additionalProperties")


def in_3_0(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, every schema of it rewritten."""
    components = document.get("components", {})
    schemas = {name: _schema(one) for name, one in components.get("schemas", {}).items()}
    paths = {path: {method: _part(one) for method, one in item.items()} for path, item in document["paths"].items()}
    return {**document, "openapi": VERSION, "paths": paths, "components": {**components, "schemas": schemas}}


def _part(node: Any) -> Any:
    """A part of a path, down to the schemas in it."""
    if isinstance(node, list):
        return [_part(one) for one in node]
    if not isinstance(node, Mapping):
        return node
    return {name: _schema(one) if name == "schema" else _part(one) for name, one in node.items()}


def _schema(node: Any) -> Schema:
    if isinstance(node, bool):
        return {} if node else {"not": {}}
    found: Schema = {name: node[name] for name in _SAME if name in node}
    if "properties" in node:
        found["properties"] = {name: _schema(one) for name, one in node["properties"].items()}
    for name in _SEVERAL:
        if name in node:
            found[name] = [_schema(one) for one in node[name] if one != NULL]
    for name in _ONE:
        if name in node:
            # Here alone 3.0 knows true and false.
            kept = name == "additionalProperties" and isinstance(node[name], bool)
            found[name] = node[name] if kept else _schema(node[name])
    return _bounded(_typed(_chosen(found, node)), node)


def _chosen(found: Schema, node: Mapping[str, Any]) -> Schema:
    """A constant, and a choice of which null is one."""
    if "const" in node:
        found["enum"] = [node["const"]]
    nulls = [name for name in ("anyOf", "oneOf") if NULL in node.get(name, ())]
    if not nulls:
        return found
    found["nullable"] = True
    for name in nulls:
        if len(found[name]) == 1:
            # Beside a reference nothing counts.
            only = found.pop(name)[0]
            found = {"allOf": [only], **found} if "$ref" in only else {**only, **found}
    return found


def _typed(found: Schema) -> Schema:
    """One type, null apart."""
    said = found.get("type")
    if isinstance(said, list):
        del found["type"]
        types = [one for one in said if one != "null"]
        found |= {"nullable": True} if "null" in said else {}
        found |= {"type": types[0]} if len(types) == 1 else {"anyOf": [_typed({"type": one}) for one in types]}
    if found.get("type") == "array":
        found.setdefault("items", {})
    return found


def _bounded(found: Schema, node: Mapping[str, Any]) -> Schema:
    """A bound that a value may not reach is the bound itself, and a word beside it."""
    for strict, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if strict in node:
            found |= {bound: node[strict], strict: True}
    return found
