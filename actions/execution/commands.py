"""The programs that connections of kind mcp may start: exactly those an operator wrote down where Remit is started (A-05).

A connection names one and pins its digest, so that a program changed behind the name is not the program that was chosen.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from jsonschema import Draft202012Validator

from actions.connectors.base import Command
from traces.canonical import digest_of, strict_loads

_TEXT = {"type": "string", "minLength": 1, "maxLength": 4096, "pattern": r"^[^\x00]*\Z"}
_ENV_NAME = r"^[A-Z_][A-Z0-9_]{0,60}\Z"
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-z0-9][a-z0-9-]{0,59}\Z"},
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "required": ["argv", "workspaces"],
        "properties": {
            "argv": {"type": "array", "minItems": 1, "maxItems": 64, "items": _TEXT},
            "workspaces": {"type": "array", "items": {"type": "string"}},
            "cwd": {"type": "string", "pattern": r"^/"},
            "env": {"type": "object", "propertyNames": {"pattern": _ENV_NAME}, "additionalProperties": _TEXT},
            "secret_env": {"type": "string", "pattern": _ENV_NAME},
            "user": {"type": "string", "pattern": r"^[a-z_][a-z0-9_-]{0,31}\Z"},
        },
    },
}


class BadCommands(Exception):
    """The program may not be started; the message says why."""


def allowed_commands(workspace: str) -> dict[str, Command]:
    """What an operator allowed this workspace, by name. Raises BadCommands."""
    return {name: _command(one) for name, one in _written().items() if workspace in one["workspaces"]}


def command_for(options: Mapping[str, Any], workspace: str) -> Command:
    """The program of a connection, if it is still exactly the one that was chosen. Raises BadCommands."""
    name = options.get("command")
    found = allowed_commands(workspace).get(name) if isinstance(name, str) else None
    if found is None:
        raise BadCommands(
            f"options.command: no operator allowed {str(name)[:60]} to this workspace (REMIT_MCP_COMMANDS)."
        )
    pinned = options.get("command_digest")
    if pinned is not None and pinned != _digest(found):
        raise BadCommands(f"The allowed command {name} changed since it was chosen. Save the connection again.")
    return found


def pinned_command(options: Mapping[str, Any], workspace: str) -> dict[str, Any]:
    """A connection's options with the digest of the program they name now. Raises BadCommands."""
    named = {"command": options["command"]}
    return {**named, "command_digest": _digest(command_for(named, workspace))}


def _written() -> Mapping[str, Any]:
    if not settings.REMIT_MCP_COMMANDS:
        return {}
    try:
        found = strict_loads(settings.REMIT_MCP_COMMANDS)
    except (ValueError, RecursionError) as error:
        raise BadCommands(f"REMIT_MCP_COMMANDS is not JSON: {error}") from error
    wrong = next(iter(Draft202012Validator(_SCHEMA).iter_errors(found)), None)
    if wrong is not None:
        where = ".".join(map(str, wrong.absolute_path)) or "document"
        raise BadCommands(f"REMIT_MCP_COMMANDS: {where}: {wrong.message}.")
    relative = next((name for name, one in found.items() if not one["argv"][0].startswith("/")), None)
    if relative is not None:
        raise BadCommands(f"REMIT_MCP_COMMANDS: {relative}.argv.0: Write the whole path of the program.")
    return found  # type: ignore[no-any-return]


def _command(one: Mapping[str, Any]) -> Command:
    user = one.get("user", settings.REMIT_MCP_COMMAND_USER)
    return Command(tuple(one["argv"]), one.get("env", {}), one.get("cwd", ""), one.get("secret_env", ""), user)


def _digest(command: Command) -> str:
    """Of what runs. As whom is the operator's alone, and may be tightened without choosing the program again."""
    return digest_of(
        {
            "argv": list(command.argv), "env": dict(command.env), "cwd": command.cwd or "/",
            "secret_env": command.secret_env,
        }
    )  # fmt: skip
