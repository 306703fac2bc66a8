"""Reads a tool definition: which arguments are record fields, money, recipients, path parts. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.engine.currencies import digits_of
from policies.engine.types import ToolFacts

# `{id}` in a path, and the names of `{?limit,page}` at its end.
_PLACEHOLDER = re.compile(r"{\??(\w+(?:,\w+)*)}")


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool definition as loaded (docs/tools.md), with the questions the boundary asks of it.

    `redact` is what policy redacts beside what the tool declares sensitive: field -> kind.
    """

    data: Mapping[str, Any]
    redact: Mapping[str, str] = field(default_factory=dict)
    # The slug of the tool's connection; "" while a definition is read by itself.
    connection: str = ""

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def title(self) -> str:
        return str(self.data["title"])

    @property
    def resource_type(self) -> str:
        return str(self.data["resource_type"])

    @property
    def effect_class(self) -> str:
        return str(self.data["effect_class"])

    @property
    def reversibility(self) -> str:
        return str(self.data["reversibility"])

    @property
    def compensate(self) -> Mapping[str, Any]:
        """The call that makes up for this one: `{tool, arguments}`; empty where the tool names none."""
        return self.data.get("compensate") or {}

    @property
    def cannot_undo(self) -> str:
        """What stays even when it is undone, in the words of whoever declared the tool."""
        return str(self.data.get("cannot_undo") or "")

    @property
    def runbook(self) -> str:
        """Where people read what to do when this call went wrong; "" where the tool names nothing."""
        return str(self.data.get("runbook") or "")

    @property
    def rows_at(self) -> str:
        """The name of the list a search answers with; "" for a tool that reads or writes one record."""
        return str((self.operation.get("read") or {}).get("rows") or "")

    @property
    def facts(self) -> ToolFacts:
        """What policy decides on."""
        return ToolFacts(
            self.name, self.resource_type, self.effect_class, self.reversibility, returns_rows=bool(self.rows_at),
            moves_money=bool(self.data.get("money")), connection=self.connection,
        )  # fmt: skip

    @property
    def input_schema(self) -> Mapping[str, Any]:
        return self.data["input_schema"]  # type: ignore[no-any-return]

    @property
    def operation(self) -> Mapping[str, Any]:
        return self.data["operation"]  # type: ignore[no-any-return]

    @property
    def noun(self) -> str:
        return str(self.data["words"]["noun"])

    @property
    def sensitive(self) -> Mapping[str, str]:
        """Field or argument name -> kind of value."""
        return {**self.redact, **(self.data.get("sensitive") or {})}

    @property
    def reads_only(self) -> bool:
        return self.effect_class == "read"

    @property
    def creates(self) -> bool:
        """Whether the call makes a new record, so that nothing of it exists before."""
        return "read_created" in self.operation

    @property
    def by_agent(self) -> bool:
        """Whether the agent does this itself and reports it: Remit decides and records, and witnesses nothing."""
        return "agent" in self.operation

    @property
    def has_target(self) -> bool:
        """Whether the call is about one record that is there before it, and is read before anything is decided."""
        return (bool(self.operation.get("read")) and not self.rows_at) or self.has_dry_run

    @property
    def server(self) -> Mapping[str, Any] | None:
        """The definition an MCP server gave it, as approved; None for any other tool."""
        return (self.operation.get("mcp") or {}).get("server")

    @property
    def has_dry_run(self) -> bool:
        """Whether it is asked what it would do before anything is decided."""
        return bool((self.operation.get("mcp") or {}).get("dry_run"))

    @property
    def normalises(self) -> Mapping[str, list[str]]:
        return self.operation.get("normalise") or {}

    def path_arguments(self) -> frozenset[str]:
        """Arguments that name the target record in the operation's paths."""
        paths = [part.get("path", "") for part in self._parts()]
        return frozenset(name for path in paths for found in _PLACEHOLDER.findall(path) for name in found.split(","))

    def _parts(self) -> list[Mapping[str, Any]]:
        return [self.operation[key] for key in ("read", "write") if self.operation.get(key)]

    def fields(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The record fields these arguments would write; empty for a read."""
        if self.reads_only:
            return {}
        place = self.data.get("fields_at", "")
        if place:
            return dict(arguments.get(place) or {})
        return {name: value for name, value in arguments.items() if name not in self.path_arguments()}

    def beside(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent and is no field of the record: which record, and whatever the tool takes besides (B-01)."""
        fields = set(self.fields(arguments)) | {self.data.get("fields_at", "")}
        return {name: value for name, value in arguments.items() if name not in fields}

    def without(self, arguments: Mapping[str, Any], refused: frozenset[str]) -> dict[str, Any]:
        """The same arguments with the refused fields taken out."""
        place = self.data.get("fields_at", "")
        if place:
            kept = {name: value for name, value in self.fields(arguments).items() if name not in refused}
            return {**arguments, place: kept}
        return {name: value for name, value in arguments.items() if name not in refused}

    def with_fields(self, arguments: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
        """The same arguments with some field values replaced by a person's."""
        place = self.data.get("fields_at", "")
        if place:
            return {**arguments, place: {**self.fields(arguments), **changed}}
        return {**arguments, **changed}

    def money(self, arguments: Mapping[str, Any]) -> tuple[int, str, int] | None:
        """`(amount in minor units, currency, digits after the point)`, or None where the tool moves no money."""
        spec = self.data.get("money")
        if not spec:
            return None
        amount, currency = int(arguments[spec["amount"]]), str(arguments[spec["currency"]])
        return amount, currency, int(spec.get("minor_units", digits_of(currency)))

    def recipients(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Every email address the call would reach."""
        names = self.data.get("recipients") or []
        found: list[str] = []
        for name in [names] if isinstance(names, str) else names:
            value = arguments.get(name) or []
            found.extend([value] if isinstance(value, str) else value)
        return tuple(found)
