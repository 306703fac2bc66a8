"""Tells the policy app which tools a workspace has and which fields they write."""

from collections.abc import Mapping
from typing import Any

from actions.definition import Definition
from actions.models import Tool
from actions.tools import parse
from policies.catalog import FieldEntry, ToolEntry


def tools_of(workspace_id: str) -> dict[str, ToolEntry]:
    """Every tool of a workspace by name."""
    found = Tool.objects.filter(workspace_id=workspace_id).select_related("connection").order_by("name")
    return {tool.name: entry_of(tool.read({})) for tool in found}


def tools_in(text: str) -> dict[str, ToolEntry]:
    """The tools of a tool file by name, as they would be loaded. Raises BadTool."""
    _, definitions = parse(text)
    entries = (entry_of(Definition(definition)) for definition in definitions)
    return {entry.facts.name: entry for entry in entries}


def entry_of(definition: Definition) -> ToolEntry:
    """One tool as policy sees it."""
    schema = field_schema(definition)
    return ToolEntry(
        facts=definition.facts,
        title=definition.title,
        description=str(definition.data["description"]),
        noun=definition.noun,
        input_schema=definition.input_schema,
        fields=tuple(_fields(schema, "")),
        field_schema=schema,
        moves_money=bool(definition.data.get("money")),
        has_target=definition.has_target,
    )


def field_schema(definition: Definition) -> dict[str, Any]:
    """The schema of the record fields the tool writes; nothing for a read."""
    if definition.reads_only:
        return {"type": "object", "properties": {}}
    place = definition.data.get("fields_at", "")
    if place:
        return dict(definition.input_schema["properties"][place])
    properties = definition.input_schema.get("properties", {})
    kept = {name: part for name, part in properties.items() if name not in definition.path_arguments()}
    return {"type": "object", "properties": kept}


def _fields(schema: Mapping[str, Any], prefix: str) -> list[FieldEntry]:
    found = []
    for name, part in schema.get("properties", {}).items():
        inner = part.get("items", part) if part.get("type") == "array" else part
        if inner.get("properties"):
            found.extend(_fields(inner, f"{prefix}{name}."))
        else:
            found.append(FieldEntry(prefix + name, type_text(part)))
    return found


_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no", "array": "list",
          "object": "record"}  # fmt: skip


def type_text(part: Mapping[str, Any]) -> str:
    """A JSON Schema type as people read it: `text, 500 max`."""
    if "enum" in part:
        return "one of " + ", ".join(map(str, part["enum"][:4])) + ("…" if len(part["enum"]) > 4 else "")
    if part.get("format"):
        return str(part["format"])
    word = _WORDS.get(str(part.get("type")), "any")
    most = part.get("maxLength") or part.get("maximum")
    return f"{word}, {most:,} max" if most else word
