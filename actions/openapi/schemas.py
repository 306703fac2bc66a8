"""Schemas of an OpenAPI document in the words that Remit checks by: references in place, one dialect, closed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from actions.closed_schema import MAX_NODES, SchemaProblem, WrittenOut, resolved, written_out
from actions.openapi.document import Document

# Of all schemas of one document together, written out.
MAX_PARTS = 60_000
MOST_REFERENCES = 10
_VALUES = {"default", "const", "enum", "required", "type", "dependentRequired"}


class Unfit(ValueError):
    """An operation that the connector cannot carry out faithfully; the message says why."""


@dataclass
class Schemas:
    """The schemas of one document, written out one by one within one bound."""

    document: Document
    parts: int = 0

    def written(self, node: Any) -> WrittenOut:
        """A schema of the document in the newer dialect, without references. Raises SchemaProblem or Unfit."""
        if not isinstance(node, dict):
            raise SchemaProblem("It is not an object.")
        if self.parts > MAX_PARTS:
            raise Unfit(f"The document's schemas, written out, have more than {MAX_PARTS:,} parts. Cut the document.")
        self.parts += MAX_NODES  # What does not end well cost the most.
        found = written_out(node, self.document.value)
        self.parts += found.nodes - MAX_NODES
        found.schema = _modern(found.schema, older=self.document.is_3_0)
        try:
            Draft202012Validator.check_schema(found.schema)
        except SchemaError as error:
            raise SchemaProblem(f"{error.message[:200]}.") from error
        return found

    def referred(self, node: Any) -> Mapping[str, Any]:
        """A parameter, body or answer, or the one its reference names. Raises SchemaProblem or Unfit."""
        for _ in range(MOST_REFERENCES):
            if not isinstance(node, dict):
                break
            if not isinstance(node.get("$ref"), str):
                return node
            node = resolved(self.document.value, node["$ref"])
        raise Unfit("A part of it is not an object, or refers on and on.")


def listed(part: Any) -> list[Any]:
    """A list of the document; nothing where something else stands."""
    return part if isinstance(part, list) else []


def named(part: Any) -> Mapping[str, Any]:
    """An object of the document; nothing where something else stands."""
    return part if isinstance(part, dict) else {}


def _modern(node: Any, *, older: bool) -> Any:
    """The same in the dialect of JSON Schema 2020-12, for what is sent: what a system sets itself is left out."""
    if isinstance(node, list):
        return [_modern(part, older=older) for part in node]
    if not isinstance(node, dict):
        return node
    found = {key: part if key in _VALUES else _part(key, part, older=older) for key, part in node.items()}
    if isinstance(node.get("properties"), dict):
        kept = {name for name, part in node["properties"].items() if not _is_read_only(part)}
        found["properties"] = {name: part for name, part in found["properties"].items() if name in kept}
        gone = set(node["properties"]) - kept
        if isinstance(found.get("required"), list):
            found["required"] = [one for one in found["required"] if not (isinstance(one, str) and one in gone)]
    for name in ("readOnly", "writeOnly"):
        found.pop(name, None)
    return _newer(found) if older else found


def _part(key: str, part: Any, *, older: bool) -> Any:
    if key == "properties" and isinstance(part, dict):
        return {name: _modern(one, older=older) for name, one in part.items()}
    return _modern(part, older=older)


def _is_read_only(part: Any) -> bool:
    return isinstance(part, dict) and part.get("readOnly") is True


def _newer(found: dict[str, Any]) -> dict[str, Any]:
    """`nullable` and bounds that are excluded, as 3.0 writes them."""
    if found.pop("nullable", False) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    for bound, excluded in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(excluded), bool) and found.pop(excluded) and bound in found:
            found[excluded] = found.pop(bound)
    return found


def plain_value(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of one plain value in a path or query, without the null that cannot stand there. Raises Unfit."""
    for both in ("anyOf", "oneOf"):
        real = [one for one in listed(schema.get(both)) if one != {"type": "null"}]
        if len(real) == 1 and isinstance(real[0], dict):
            schema = {**{key: part for key, part in schema.items() if key != both}, **real[0]}
    kind = schema.get("type")
    kinds = [one for one in (kind if isinstance(kind, list) else [kind]) if one != "null"]
    if len(kinds) != 1 or kinds[0] not in {"string", "integer", "boolean"}:
        raise Unfit(
            f"is {' or '.join(str(one or 'of no one type') for one in kinds) or 'nothing'}, not one plain value"
        )
    default_free = {key: part for key, part in schema.items() if key not in {"default", "nullable"}}
    return {**default_free, "type": kinds[0]}
