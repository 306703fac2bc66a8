"""What the pages of tools show: what a tool does, who may use it, how its definition came to be. Reads only."""

from dataclasses import dataclass
from typing import Any

from accounts.access import NotVisible, has_permission
from accounts.clock import database_now
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from actions.agent_page import Standing, standing_of
from actions.definition import Definition
from actions.models import Tool, ToolVersion
from actions.tool_versions import Line, blocked_names, difference
from policies.engine.checks import mode_for

MOST_VERSIONS = 50
CLASSES = {
    "read": "Reads", "draft": "Drafts", "write": "Writes records", "side_effect": "Has side effects",
    "continuous": "Runs on its own",
}  # fmt: skip
WORDS = {
    "waiting": ("due", "Waits for an admin"), "in_force": ("allowed", "In force"), "replaced": ("expired", "Replaced"),
    "refused": ("rejected", "Refused"), "withdrawn": ("withdrawn", "Withdrawn"),
}  # fmt: skip
UNDO = {"reversible": "reversible", "compensable": "escalated", "irreversible": "cant_undo"}
UNDO_WORDS = {"reversible": "Reversible", "compensable": "Needs a new action", "irreversible": "Can’t be undone"}


@dataclass(frozen=True, slots=True)
class ToolUser:
    """An agent that may use the tool: how, and under which policy."""

    agent: Agent
    policy: str
    mode: str


@dataclass(frozen=True, slots=True)
class ToolRow:
    tool: Tool
    definition: Definition
    effect: str
    undo: tuple[str, str]
    used_by: int
    blocked: bool


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One definition of the history with what it changed of the one before it."""

    version: ToolVersion
    status: str
    word: str
    lines: tuple[Line, ...]


def tools_visible_to(user: User, workspace: Workspace) -> list[Tool]:
    """Tools of a workspace for those who may see its agents."""
    if not has_permission(user, Permission.AGENT_VIEW, workspace):
        return []
    return list(Tool.objects.filter(workspace=workspace).select_related("connection"))


def get_tool_for(user: User, workspace: Workspace, name: str) -> Tool:
    """One tool of the workspace by name. Raises NotVisible."""
    found = Tool.objects.filter(workspace=workspace, name=name[:120].replace("\x00", ""))
    tool = found.select_related("connection", "workspace").first()
    if tool is None or not has_permission(user, Permission.AGENT_VIEW, workspace):
        raise NotVisible("tool")
    return tool


def tool_rows(workspace: Workspace, tools: list[Tool]) -> list[ToolRow]:
    """Lines for a list of tools of one workspace."""
    standings = _standings(workspace)
    blocked, rows = blocked_names(workspace), []
    for tool in tools:
        definition = tool.read({})
        rows.append(
            ToolRow(tool, definition, CLASSES[definition.effect_class], undo_of(definition),
                    len(_users(definition, standings)), tool.name in blocked)
        )  # fmt: skip
    return rows


def undo_of(definition: Definition) -> tuple[str, str]:
    """Status and word of whether its calls can be taken back."""
    return UNDO[definition.reversibility], UNDO_WORDS[definition.reversibility]


def _standings(workspace: Workspace) -> list[tuple[Agent, Standing]]:
    """Every agent with what is in force for it; agents of one policy and role share it."""
    known: dict[tuple[str, str], Standing] = {}
    found = []
    for agent in Agent.objects.filter(workspace=workspace).select_related("owner"):
        place = (agent.policy, agent.role)
        if place not in known:
            known[place] = standing_of(agent)
        found.append((agent, known[place]))
    return found


def _users(definition: Definition, standings: list[tuple[Agent, Standing]]) -> list[ToolUser]:
    at, found = database_now(), []
    for agent, standing in standings:
        if standing.role is None or standing.version is None:
            continue
        mode = mode_for(standing.role, definition.name, definition.effect_class, at)
        if mode != "off":
            found.append(ToolUser(agent, f"{standing.version.policy.name} v{standing.version.number}", mode))
    return found


def _redacted(tool: Tool, standings: list[tuple[Agent, Standing]]) -> list[tuple[str, str, str]]:
    """Fields that are withheld: name, kind, and who says so."""
    definition = tool.read({})
    found = [(field, kind, "the tool") for field, kind in sorted(definition.sensitive.items())]
    seen = set()
    for _, standing in standings:
        if standing.document is not None and standing.document.slug not in seen:
            seen.add(standing.document.slug)
            more = standing.document.redact.get(definition.resource_type) or {}
            found += [(field, kind, f"policy {standing.document.name}") for field, kind in sorted(more.items())]
    return found


def _history(tool: Tool) -> list[VersionLine]:
    """Newest first; each beside the definition that was in force before it."""
    versions = list(tool.versions.select_related("connection")[: MOST_VERSIONS + 1])
    lines = []
    for at, version in enumerate(versions[:MOST_VERSIONS]):
        before = next((v for v in versions[at + 1 :] if v.state in {"in_force", "replaced"}), None)
        changed = difference(_whole(before), _whole(version)) if before else []
        lines.append(VersionLine(version, *WORDS[version.state], tuple(changed)))
    return lines


def _whole(version: ToolVersion) -> dict[str, Any]:
    return {**version.definition, "connection": version.connection.slug}


def tool_page(tool: Tool) -> dict[str, Any]:
    """Everything the page of one tool shows beside what its reader may do."""
    definition, standings = tool.read({}), _standings(tool.workspace)
    history = _history(tool)
    return {
        "tool": tool,
        "definition": definition,
        "effect": CLASSES[definition.effect_class],
        "undo": undo_of(definition),
        "users": _users(definition, standings),
        "redacted": _redacted(tool, standings),
        "history": history,
        "waiting": next((line for line in history if line.version.state == "waiting"), None),
        "runbook": definition.data.get("runbook", ""),
    }
