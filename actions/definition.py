"""Reads a tool definition: which arguments are record fields, money, recipients, path parts. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.engine.currencies import digits_of, in_minor_units
from policies.engine.types import Money, ToolFacts

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
        """The name of the list a search answers with; "" for a tool that reads or writes one record.

        INVARIANT: what writes has a target, whose row scope is asked before. Held by tests/actions/test_tools.py.
        """
        return str((self.operation.get("read") or {}).get("rows") or "") if self.reads_only else ""

    @property
    def facts(self) -> ToolFacts:
        """What policy decides on."""
        return ToolFacts(
            self.name, self.resource_type, self.effect_class, self.reversibility, returns_rows=bool(self.rows_at),
            moves_money=bool(self.data.get("money")), connection=self.connection, needs=self.needs,
        )  # fmt: skip

    @property
    def needs(self) -> tuple[str, ...]:
        """The record fields its schema requires, sorted; none for a read, which writes no field."""
        if self.reads_only:
            return ()
        place, schema = self.data.get("fields_at", ""), self.input_schema
        held = (schema.get("properties") or {}).get(place) or {} if place else schema
        return tuple(sorted(set(held.get("required") or ()) - (frozenset() if place else self.path_arguments())))

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
    def removes(self) -> bool:
        """Whether the record is gone when the call is done."""
        return (self.operation.get("write") or {}).get("method") == "DELETE"

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
        """`(amount in the tool's own minor units, currency, digits after the point)`.

        None where the tool moves no money, and where the call names none that can be counted: such a call is refused before
        anybody decides (`actions.arguments`). Systems write codes in small letters too; policy knows them as ISO 4217 does.
        """
        spec = self.data.get("money")
        if not spec:
            return None
        amount, said = _whole(arguments.get(spec["amount"])), arguments.get(spec["currency"])
        if amount is None or not isinstance(said, str):
            return None
        currency = said.upper() if said.isascii() else said
        return amount, currency, int(spec.get("minor_units", digits_of(currency)))

    def counted_money(self, arguments: Mapping[str, Any]) -> Money | None:
        """The same amount as policy counts it: in minor units by ISO 4217, whatever the tool counts in."""
        money = self.money(arguments)
        return Money(in_minor_units(*money), money[1]) if money else None

    def recipients(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Every email address the call would reach."""
        names = self.data.get("recipients") or []
        found: list[str] = []
        for name in [names] if isinstance(names, str) else names:
            value = arguments.get(name) or []
            found.extend([value] if isinstance(value, str) else value)
        return tuple(found)


def _whole(value: Any) -> int | None:
    """A whole number as JSON Schema counts it, where 10.0 is one; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
