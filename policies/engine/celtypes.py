"""Checks the types of every expression of a document against the tools it speaks of, before it is used.

An expression that is wrong about a tool would deny every call of it at run time; here the mistake is named when the
document is checked, saved or published. What cannot be known (a record's fields, optional arguments) is left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from policies.engine.celtree import MACROS, Node, parse
from policies.engine.parts import Document, Invariant
from policies.engine.problems import Problem
from policies.engine.types import ToolFacts
from policies.engine.yaml_source import Path, Place

DYN, BOOL, INT, DOUBLE, STRING, NULL = "dyn", "bool", "int", "double", "string", "null"


class Typed(Protocol):
    """What is asked of a tool: `policies.catalog.ToolEntry` has it."""

    @property
    def facts(self) -> ToolFacts: ...
    @property
    def input_schema(self) -> Mapping[str, Any]: ...
    @property
    def field_schema(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Type:
    """A CEL type. `members` of a map, None where they are not known; `item` of a list."""

    name: str
    members: Mapping[str, "Type"] | None = None
    item: "Type | None" = None

    def __str__(self) -> str:
        return {"dyn": "anything", "int": "whole number", "double": "number", "string": "text", "bool": "true or false",
                "null": "nothing"}.get(self.name, self.name)  # fmt: skip


_DYN, _BOOL, _INT, _STRING = Type(DYN), Type(BOOL), Type(INT), Type(STRING)
_TEXTS = Type("list", item=_STRING)
_NUMBERS = {INT, DOUBLE}


class Mistake(Exception):
    """One type error, as a sentence."""


def check_types(document: Document, tools: Mapping[str, Typed]) -> tuple[str, ...]:
    """Every type error of a document's expressions, as sentences that name the rule and the tool; empty when none."""
    return tuple(dict.fromkeys(said for _, said in _mistakes(document, tools)))


def type_problems(document: Document, tools: Mapping[str, Typed], place: Place) -> tuple[Problem, ...]:
    """The same, each with its place in the text the document was read from."""
    found = _mistakes(document, tools)
    return tuple(dict.fromkeys(place(path, f"{said} Correct the expression.") for path, said in found))


def _mistakes(document: Document, tools: Mapping[str, Typed]) -> Iterator[tuple[Path, str]]:
    for number, rule in enumerate(document.invariants):
        path: Path = ("invariants", number, "forbid" if rule.forbid else "require")
        for tool in _covered(rule, tools):
            yield from ((path, said) for said in _wrong(f"invariants.{rule.id}", rule.expression.source, tool))
    for role in document.roles.values():
        for kind, expression in role.scopes.items():
            path = ("roles", role.name, "scopes", kind)
            for tool in (found for found in tools.values() if found.facts.resource_type == kind):
                if tool.facts.name in role.tools:
                    yield from ((path, said) for said in _wrong(".".join(path), expression.source, tool))


def _covered(rule: Invariant, tools: Mapping[str, Typed]) -> list[Typed]:
    return [tool for tool in tools.values() if rule.when.may_cover(tool.facts)]


def _wrong(path: str, source: str, tool: Typed) -> Iterator[str]:
    try:
        found = _type(parse(source), roots_of(tool))
    except Mistake as mistake:
        yield f"{path}, for {tool.facts.name}: {mistake}"
        return
    if found.name not in (BOOL, DYN):
        yield f"{path}, for {tool.facts.name}: the result is {found}, not true or false."


def roots_of(tool: Typed) -> dict[str, Type]:
    """The types of the names an expression may use, for one tool."""
    person = {"id": _STRING, "email": _STRING, "name": _STRING, "groups": _TEXTS, "roles": _TEXTS}
    return {
        "args": _of_schema(tool.input_schema),
        "fields": _of_schema(tool.field_schema),
        "record": _DYN,
        "agent": Type("map", {"id": _STRING, "slug": _STRING, "name": _STRING}),
        "requester": Type("map", person),
        "tool": Type("map", {"name": _STRING, "resource_type": _STRING, "effect_class": _STRING}),
        "money": Type("map", {"amount": _INT, "currency": _STRING}),
        "recipients": _TEXTS,
    }


_SIMPLE = {"string": _STRING, "integer": _INT, "number": Type(DOUBLE), "boolean": _BOOL, "null": Type(NULL)}


def _of_schema(schema: Mapping[str, Any]) -> Type:
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return Type("map", {name: _of_schema(part) for name, part in schema["properties"].items()})
    if kind == "array":
        return Type("list", item=_of_schema(schema.get("items", {})))
    if kind is None and schema.get("enum") and all(isinstance(value, str) for value in schema["enum"]):
        return _STRING
    return _SIMPLE.get(kind, _DYN) if isinstance(kind, str) else _DYN


def _type(node: Node, names: Mapping[str, Type]) -> Type:
    if node.kind == "literal":
        return Type(node.name)
    if node.kind == "ident":
        return names.get(node.name, _DYN)
    return _CHECKS[node.kind](node, names)


def _operands(node: Node, names: Mapping[str, Type]) -> list[Type]:
    return [_type(part, names) for part in node.args if part is not None]


def _select(node: Node, names: Mapping[str, Type]) -> Type:
    base = _operands(node, names)[0]
    if base.name not in ("map", DYN):
        raise Mistake(f"{base} has no part {node.name}.")
    if base.members is None:
        return _DYN
    if node.name not in base.members:
        known = ", ".join(sorted(base.members)) or "nothing"
        raise Mistake(f"there is no {node.name} there. Known: {known}.")
    return base.members[node.name]


def _index(node: Node, names: Mapping[str, Type]) -> Type:
    base, _ = _operands(node, names)
    if base.name not in ("map", "list", DYN):
        raise Mistake(f"{base} has no elements.")
    return base.item or _DYN


def _unary(node: Node, names: Mapping[str, Type]) -> Type:
    operand = _operands(node, names)[0]
    wanted = {BOOL} if node.name == "!" else _NUMBERS
    _need(operand, wanted, f"{node.name} needs {'true or false' if node.name == '!' else 'a number'}")
    return operand


def _binary(node: Node, names: Mapping[str, Type]) -> Type:
    left, right = _operands(node, names)
    if node.name in ("&&", "||"):
        for side in (left, right):
            _need(side, {BOOL}, f"{node.name} needs true or false on both sides")
        return _BOOL
    if node.name == "in":
        if right.name not in ("list", "map", DYN):
            raise Mistake(f"`in` needs a list on the right, not {right}.")
        if right.item is not None:
            _comparable(left, right.item, "in")
        return _BOOL
    if node.name in ("==", "!=", "<", "<=", ">", ">="):
        _comparable(left, right, node.name)
        return _BOOL
    return _arithmetic(node.name, left, right)


def _arithmetic(sign: str, left: Type, right: Type) -> Type:
    if DYN in (left.name, right.name):
        return _DYN
    same = left.name == right.name
    if same and (left.name in _NUMBERS or (sign == "+" and left.name in (STRING, "list"))):
        return left
    raise Mistake(f"{sign} cannot join {left} and {right}.")


def _comparable(left: Type, right: Type, sign: str) -> None:
    names = {left.name, right.name}
    if DYN in names or len(names) == 1 or names <= _NUMBERS or (NULL in names and sign in ("==", "!=")):
        return
    raise Mistake(f"{left} and {right} cannot be compared by {sign}.")


def _need(found: Type, wanted: set[str], sentence: str) -> None:
    if found.name not in wanted | {DYN}:
        raise Mistake(f"{sentence}, not {found}.")


def _cond(node: Node, names: Mapping[str, Type]) -> Type:
    question, yes, no = _operands(node, names)
    _need(question, {BOOL}, "the question before ? needs true or false")
    return yes if yes == no else _DYN


def _list(node: Node, names: Mapping[str, Type]) -> Type:
    items = _operands(node, names)
    return Type("list", item=items[0] if items and all(item == items[0] for item in items) else _DYN)


def _map(node: Node, names: Mapping[str, Type]) -> Type:
    _operands(node, names)
    return Type("map")


_TEXT_METHODS = {"startsWith", "endsWith", "contains", "matches"}
_RESULTS = {"size": _INT, "int": _INT, "uint": _INT, "double": Type(DOUBLE), "string": _STRING, "bool": _BOOL}


def _call(node: Node, names: Mapping[str, Type]) -> Type:
    if node.name in MACROS and node.args[0] is not None:
        return _macro(node, names)
    if node.name == "has":
        return _has(node, names)
    found = _operands(node, names)
    if node.name in _TEXT_METHODS:
        for part in found:
            _need(part, {STRING}, f"{node.name} needs text")
        return _BOOL
    if node.name == "size":
        _need(found[0], {STRING, "list", "map", "bytes"}, "size needs a text, list or record")
    return _RESULTS.get(node.name, _DYN)


def _has(node: Node, names: Mapping[str, Type]) -> Type:
    asked = node.args[1] if len(node.args) == 2 else None
    if asked is None or asked.kind != "select":
        raise Mistake("has() takes one part, as in has(record.zip).")
    _type(asked, names)
    return _BOOL


def _macro(node: Node, names: Mapping[str, Type]) -> Type:
    target, variable, *rest = node.args
    if target is None or variable is None or variable.kind != "ident" or not rest:
        raise Mistake(f"{node.name} is written list.{node.name}(x, …).")
    base = _type(target, names)
    if base.name not in ("list", DYN):
        raise Mistake(f"{node.name} needs a list, not {base}.")
    inner = {**names, variable.name: base.item or _DYN}
    results = [_type(part, inner) for part in rest if part is not None]
    if node.name == "map":
        return Type("list", item=results[-1])
    _need(results[-1], {BOOL}, f"{node.name} needs true or false of each element")
    return Type("list", item=base.item) if node.name == "filter" else _BOOL


_CHECKS = {
    "select": _select, "index": _index, "unary": _unary, "binary": _binary, "cond": _cond, "list": _list,
    "map": _map, "call": _call,
}  # fmt: skip
