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
    # Whether a call is about one record that is read before it is decided.
    has_target: bool


Provider = Callable[[str], Mapping[str, ToolEntry]]
# From the text of a tool file; raises ValueError, which names the tool and the field.
Reader = Callable[[str], Mapping[str, ToolEntry]]


class NoProvider(RuntimeError):
    """The app that knows the tools is not installed."""


_providers: list[Provider] = []
_readers: list[Reader] = []


def set_provider(provider: Provider) -> None:
    """Say who knows the tools of a workspace. Called once at start."""
    _providers[:] = [provider]


def set_reader(reader: Reader) -> None:
    """Say who reads tool files. Called once at start."""
    _readers[:] = [reader]


def tools_in(text: str) -> Mapping[str, ToolEntry]:
    """The tools of a tool file, without a database. Raises NoProvider, or ValueError for a text that is none."""
    if not _readers:
        raise NoProvider("No app reads tool files. Add `actions` to INSTALLED_APPS.")
    return _readers[0](text)


def tools_of(workspace_id: str) -> Mapping[str, ToolEntry]:
    """Every tool of a workspace by name. Raises NoProvider."""
    if not _providers:
        raise NoProvider("No app provides tools. Add `actions` to INSTALLED_APPS.")
    return _providers[0](workspace_id)


def facts_of(workspace_id: str) -> dict[str, ToolFacts]:
    """Only the facts, by tool name."""
    return {name: entry.facts for name, entry in tools_of(workspace_id).items()}


def classes_of(workspace_id: str) -> dict[str, str]:
    """Tool -> effect class."""
    return {name: facts.effect_class for name, facts in facts_of(workspace_id).items()}
