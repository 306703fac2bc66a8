"""Loads tool definitions from a file: closed format, clear errors, digests pinned (R-22, Z-02)."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml
from django.db import transaction
from django.db.models import QuerySet
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from accounts.actors import Actor, Caller
from accounts.clock import DatabaseNow
from accounts.held import govern
from accounts.models import Agent, Workspace
from accounts.questions import Question
from accounts.scopes import effects_of
from actions.definition import Definition
from actions.execution import OutOfReach, check_operation
from actions.mandate import reach
from actions.models import Connection, Tool
from actions.tool_versions import Given, bring_in
from policies.engine.checks import mode_for
from policies.engine.document import Role
from policies.engine.ecma import compiled
from policies.engine.paths import covering, segment
from policies.engine.problems import PolicyError
from policies.engine.types import EFFECT_CLASSES
from policies.services import PolicyMissing, live_document
from traces.canonical import canonical_text, digest_of

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class _Now(TypedDict):
        asked_at: datetime

    _ToolNow = WithAnnotations[Tool, _Now]

_NAME = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,4}$", "maxLength": 120}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
DEFINITION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "name",
        "title",
        "description",
        "resource_type",
        "effect_class",
        "reversibility",
        "input_schema",
        "operation",
        "words",
    ],
    "properties": {
        "name": _NAME,
        "title": _TEXT,
        "description": {**_TEXT, "maxLength": 2000},
        "resource_type": _NAME,
        "effect_class": {"enum": list(EFFECT_CLASSES)},
        "reversibility": {"enum": ["reversible", "compensable", "irreversible"]},
        "input_schema": {
            "type": "object",
            "required": ["additionalProperties"],
            "properties": {"additionalProperties": {"const": False}},
        },
        "fields_at": {"type": "string"},
        "money": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["amount", "currency"],
            "properties": {
                "amount": _TEXT,
                "currency": _TEXT,
                "minor_units": {"type": "integer", "minimum": 0, "maximum": 4},
            },
        },
        "recipients": {"type": ["string", "array", "null"], "items": {"type": "string"}},
        "sensitive": {"type": "object", "additionalProperties": _TEXT},
        "operation": {"type": "object"},
        "compensate": {
            "type": "object",
            "additionalProperties": False,
            "required": ["tool", "arguments"],
            "properties": {"tool": _NAME, "arguments": {"type": "object"}},
        },
        "cannot_undo": {"type": "string", "minLength": 1, "maxLength": 200},
        "runbook": {"type": "string", "pattern": "^https?://", "maxLength": 300},
        "words": {
            "type": "object",
            "additionalProperties": False,
            "required": ["noun", "imperative", "present", "past"],
            "properties": dict.fromkeys(("noun", "imperative", "present", "past"), _TEXT),
        },
    },
}


class BadTool(ValueError):
    """A tool file that does not load; nothing of it is used. The message names the tool and the field."""


def parse(text: str) -> tuple[str, list[dict[str, Any]]]:
    """`(connection slug, definitions)` of a tool file. Raises BadTool."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadTool(f"Not YAML: {error}") from error
    if not isinstance(data, dict) or set(data) != {"connection", "tools"} or not isinstance(data["tools"], list):
        raise BadTool("A tool file has two parts: connection and tools.")
    for definition in data["tools"]:
        _check(definition)  # Before the connection is looked for, so that a file is judged by itself.
    return str(data["connection"]), data["tools"]


def _check(definition: Mapping[str, Any]) -> None:
    name = definition.get("name", "?") if isinstance(definition, dict) else "?"
    error = next(iter(Draft202012Validator(DEFINITION).iter_errors(definition)), None)
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "definition"
        raise BadTool(f"{name}: {where}: {error.message}.")
    try:
        Draft202012Validator.check_schema(definition["input_schema"])
    except SchemaError as schema_error:
        raise BadTool(f"{name}: input_schema: {schema_error.message}.") from schema_error
    _check_patterns(name, definition["input_schema"])
    try:
        check_operation(definition["operation"])
    except OutOfReach as error:
        raise BadTool(f"{name}: {error}") from error
    if definition["reversibility"] == "reversible" and "read_created" in definition["operation"]:
        raise BadTool(
            f"{name}: reversibility: what a call creates cannot be restored. Say compensable or irreversible."
        )
    if definition["reversibility"] == "reversible" and "openapi" in definition["operation"] and _is_blind(definition):
        raise BadTool(
            f"{name}: reversibility: Remit can't restore what it can't read. Say compensable or irreversible."
        )
    if "compensate" in definition and definition["reversibility"] != "compensable":
        raise BadTool(f"{name}: compensate: only a compensable tool has a call that makes up for it.")
    if "$ref" in canonical_text(definition["input_schema"]):
        raise BadTool(f"{name}: input_schema: $ref is not allowed. Write the schema out.")
    if definition["effect_class"] != "read" and (definition["operation"].get("read") or {}).get("rows"):
        raise BadTool(
            f"{name}: operation.read.rows: only a tool that reads answers with rows. Read the one record that it changes."
        )
    _check_money(name, definition)


def _check_patterns(name: str, schema: Any) -> None:
    """What no call could be held against is refused here, with the pattern that cannot be read."""
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "pattern" and isinstance(value, str):
            try:
                compiled(value)
            except re.error as error:
                raise BadTool(f"{name}: input_schema: the pattern {value[:80]!r} can't be read: {error}.") from error
        elif isinstance(value, dict | list):
            _check_patterns(name, value)


def _check_money(name: str, definition: Mapping[str, Any]) -> None:
    """Every call has to say how much in a way that a limit can count. Raises BadTool."""
    schema, spec = definition["input_schema"], definition.get("money") or {}
    for part, fits, words in (("amount", _is_whole, "a whole number"), ("currency", _is_text, "a text")):
        argument = spec.get(part)
        if spec and not fits((schema.get("properties") or {}).get(argument)):
            raise BadTool(f"{name}: money.{part}: {argument} is not {words} among the arguments. Name one that is.")
        if spec and argument not in (schema.get("required") or ()):
            raise BadTool(f"{name}: money.{part}: a call may leave out {argument}. Add it to required.")


def _is_whole(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "integer"


def _is_text(schema: Any) -> bool:
    named = schema.get("enum") if isinstance(schema, dict) else None
    return isinstance(schema, dict) and (
        schema.get("type") == "string" or all(isinstance(one, str) for one in named or [0])
    )


def _is_blind(definition: Mapping[str, Any]) -> bool:
    """Whether it writes a record that it has no way to read."""
    return "write" in definition["operation"] and "read" not in definition["operation"]


def load_tools(*, actor: Actor, workspace: Workspace, text: str, approve: bool = False) -> list[Tool]:
    """Load every tool of a file into a workspace. Raises BadTool; then nothing was loaded.

    A definition that differs from the one in force waits, and its tool is blocked until an admin decides
    (`actions.tool_versions`). `approve`: whoever loads it has read the difference, so it comes into force at once.
    """
    slug, definitions = parse(text)
    connection = Connection.objects.filter(workspace=workspace, slug=slug).first()
    if connection is None:
        raise BadTool(f"{workspace.name} has no connection {slug}. Make it first.")
    with transaction.atomic():
        tools = load_definitions(actor=actor, connection=connection, definitions=definitions, approve=approve)
        govern(connection.workspace_id)
    return tools


def load_definitions(
    *, actor: Actor, connection: Connection, definitions: Sequence[Mapping[str, Any]], approve: bool = False
) -> list[Tool]:
    """The same for definitions that Remit wrote itself, such as those of an import, in the caller's transaction, which ends with
    `govern`. Raises BadTool; then none was loaded.
    """
    for definition in definitions:
        _check(definition)
        _check_hands(connection, definition)
    with transaction.atomic():
        given = [Given(connection, canonical_text(definition), digest_of(definition)) for definition in definitions]
        names = [str(definition["name"]) for definition in definitions]
        return [
            bring_in(actor=actor, workspace=connection.workspace, name=name, given=one, approve=approve)
            for name, one in zip(names, given, strict=True)
        ]


def _check_hands(connection: Connection, definition: Mapping[str, Any]) -> None:
    """What agents do themselves stands in connections of its own, so that no page takes it for what Remit does."""
    name, by_agent = definition["name"], "agent" in definition["operation"]
    if by_agent != (connection.kind == "agent"):
        told = "needs" if by_agent else "does not fit"
        raise BadTool(
            f"{name}: operation.agent: an agent's own tool {told} a connection of kind agent ({connection.slug})."
        )
    upstream = definition["operation"].get("mcp")
    if (upstream is not None) != (connection.kind == "mcp"):
        told = "needs" if upstream else "does not fit"
        raise BadTool(f"{name}: operation.mcp: an MCP tool {told} a connection of kind mcp ({connection.slug}).")
    if upstream and upstream["reads"] != (definition["effect_class"] == "read"):
        raise BadTool(f"{name}: operation.mcp.reads: it does not say the same as effect_class.")
    if upstream and definition["reversibility"] == "reversible" and definition["effect_class"] != "read":
        raise BadTool(
            f"{name}: reversibility: Remit can't restore what it can't read. Say compensable or irreversible."
        )
    if by_agent and definition["reversibility"] == "reversible" and definition["effect_class"] != "read":
        raise BadTool(
            f"{name}: reversibility: Remit can't restore what it did not see. Say compensable or irreversible."
        )


def tools_for_agent(agent: Agent) -> list[dict[str, Any]]:
    """Tools the agent's role may use, each with its schema narrowed to the fields it may write (B-06).

    A workspace without a live policy lists nothing.
    """
    return _granted(agent, lambda: _now(Tool.objects.filter(workspace_id=agent.workspace_id)))


def tool_for_agent(agent: Agent, name: str) -> dict[str, Any] | None:
    """The one of them that has this name; None where the agent's role may use no such tool."""
    if not name.isprintable():  # PostgreSQL has no text with NUL; such a name is no tool's.
        return None
    return next(iter(_granted(agent, lambda: _NAMED.all(agent.workspace_id, name))), None)


def _now(tools: QuerySet[Tool]) -> "QuerySet[_ToolNow]":
    """Each with the time at which it was read: what mode it has may depend on it."""
    return tools.annotate(asked_at=DatabaseNow())


_NAMED = Question(lambda workspace_id, name: _now(Tool.objects.filter(workspace_id=workspace_id, name=name)))


def _granted(agent: Agent, tools: "Callable[[], Iterable[_ToolNow]]") -> list[dict[str, Any]]:
    try:
        document, _ = live_document(workspace_id=agent.workspace_id, slug=agent.policy)
    except (PolicyMissing, PolicyError):
        return []
    role = document.roles.get(agent.role)
    if role is None:
        return []
    definitions = [(Definition(tool.definition), tool.asked_at) for tool in tools()]
    modes = [(one, mode_for(role, one.name, one.effect_class, asked_at)) for one, asked_at in definitions]
    return [_listed(role, definition, mode) for definition, mode in modes if mode != "off"]


def tools_for_caller(caller: Caller) -> list[dict[str, Any]]:
    """The agent's tools that its token reaches, and that the person may whom the token names."""
    person, effects = caller.person, effects_of(caller.scopes)
    if person is not None:
        effects = reach(caller.actor, person, caller.agent.workspace_id)
    return [tool for tool in tools_for_agent(caller.agent) if tool["effect_class"] in effects]


def _listed(role: Role, definition: Definition, mode: str) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": str(definition.data["description"]),
        "effect_class": definition.effect_class,
        "reversibility": definition.reversibility,
        "mode": mode,
        "executed_by": "agent" if definition.by_agent else "remit",
        "input_schema": _narrowed(role, definition),
    }


def _narrowed(role: Role, definition: Definition) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(canonical_text(dict(definition.input_schema)))
    place, rule = definition.data.get("fields_at", ""), role.fields.get(definition.resource_type)
    allowed = rule.write if rule else frozenset()
    if place:
        _keep(schema["properties"][place], allowed, "")
    elif not definition.reads_only:
        # What names the record is no field of it; what every call needs is told, and its refusal says who can allow it.
        told = {*definition.path_arguments(), *definition.needs}
        _keep(schema, allowed | frozenset(map(segment, told)), "")
    return schema


def _keep(schema: dict[str, Any], allowed: frozenset[str], prefix: str) -> None:
    """Leave only what the allowlist covers: whole fields, and of a record in a field the listed parts."""
    properties: dict[str, Any] = schema.get("properties") or {}
    for name in list(properties):
        path = prefix + segment(name)
        if covering(path, allowed) is not None:
            continue
        inner = properties[name].get("items", properties[name])
        if "properties" in inner and any(listed.startswith(path + ".") for listed in allowed):
            _keep(inner, allowed, path + ".")
        else:
            del properties[name]
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name in properties]
