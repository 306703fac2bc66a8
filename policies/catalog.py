"""The tools a workspace knows, as policy needs them. `actions` provides them at start: policies may not import it.

Nothing here decides: a decision is made on the tool that is called, not on this list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.types import ToolFacts


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """A field a tool writes: its path and its type as people read it ("text, 500 max")."""

    name: str
    type_text: str


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One tool: the facts policy decides on, its words, the schema of its arguments and the fields it writes."""

    facts: ToolFacts
    title: str
    description: str
    noun: str
    input_schema: Mapping[str, Any]
    fields: tuple[FieldEntry, ...]
    # The part of the schema that describes the written fields; the arguments' own schema where they are the fields.
    field_schema: Mapping[str, Any]
    moves_money: bool


Provider = Callable[[str], Mapping[str, ToolEntry]]


class NoProvider(RuntimeError):
    """The app that knows the tools is not installed."""


_providers: list[Provider] = []


def set_provider(provider: Provider) -> None:
    """Say who knows the tools of a workspace. Called once at start."""
    _providers[:] = [provider]


def tools_of(workspace_id: str) -> Mapping[str, ToolEntry]:
    """Every tool of a workspace by name. Raises NoProvider."""
    if not _providers:
        raise NoProvider("No app provides tools. Add `actions` to INSTALLED_APPS.")
    return _providers[0](workspace_id)


def facts_of(workspace_id: str) -> dict[str, ToolFacts]:
    """Only the facts, by tool name."""
    return {name: entry.facts for name, entry in tools_of(workspace_id).items()}
