"""A plain document as YAML text: one form for every value, so that two versions differ only where they mean to. Pure.

Sections and the terms of a rule stand in the schema's order, names of roles, tools and resource types are sorted, and
lists keep theirs. Comments are not kept.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from yaml.representer import SafeRepresenter
from yaml.resolver import Resolver

from policies.engine.schema import SCHEMA

Path = tuple[str, ...]
# Everything YAML takes for the end of a line.
_BREAK = re.compile("[\n\r\x85\u2028\u2029]")
_WIDTH = 120
_MAP, _LIST, _TEXT = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str"))
# Where a map or list is written line by line; `*` is any name or place. Everywhere else it stands on one line.
_BLOCKS: frozenset[Path] = frozenset(
    tuple(path.split("."))
    for path in (
        "policy", "roles", "roles.*", "roles.*.tools", "roles.*.fields", "roles.*.fields.*", "roles.*.scopes",
        "invariants", "invariants.*", "limits", "limits.*", "routes", "routes.*", "routes.*.steps",
        "routes.*.escalation",
        "breakers", "breakers.*", "demotions", "demotions.*", "freezes", "freezes.*", "redact", "waivers", "waivers.*",
        "tests", "tests.*", "tests.*.given",
    )
)  # fmt: skip


class _Dumper(yaml.SafeDumper):
    """Lists stand one step in from their name."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump(plain: Mapping[str, Any]) -> str:
    """The YAML text of a document. Reading it again gives an equal document, and writing that the same text."""
    terms = SCHEMA["properties"]
    names = [*(name for name in terms if name in plain), *sorted(set(plain) - set(terms))]
    return "\n".join(_section(name, plain[name], terms.get(name, {})) for name in names)


def _section(name: str, value: Any, schema: Mapping[str, Any]) -> str:
    node = yaml.MappingNode(_MAP, [(_name(name), _node(value, (name,), schema))], flow_style=False)
    text: str = yaml.serialize(node, Dumper=_Dumper, width=_WIDTH, allow_unicode=True, indent=2)
    return text


def _node(value: Any, path: Path, schema: Mapping[str, Any]) -> yaml.Node:
    flow = not value or path not in _BLOCKS if isinstance(value, Mapping | list | tuple) else False
    if isinstance(value, Mapping):
        return yaml.MappingNode(_MAP, list(_pairs(value, path, schema)), flow_style=flow)
    if isinstance(value, list | tuple):
        return yaml.SequenceNode(_LIST, _elements(value, path, schema), flow_style=flow)
    return _scalar(value)


def _elements(value: Sequence[Any], path: Path, schema: Mapping[str, Any]) -> list[yaml.Node]:
    return [_node(item, (*path, "*"), schema.get("items", {})) for item in value]


def _pairs(value: Mapping[str, Any], path: Path, schema: Mapping[str, Any]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    terms, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name in (name for name in terms if name in value):
        yield _name(name), _node(value[name], (*path, name), terms[name])
    for name in sorted(set(value) - set(terms)):
        yield _scalar(name), _node(value[name], (*path, "*"), rest if isinstance(rest, Mapping) else {})


def _name(name: str) -> yaml.Node:
    """A term of the language, never quoted: `on` is a term, though YAML takes it for a truth value."""
    tag: str = Resolver().resolve(yaml.ScalarNode, name, (True, False))  # type: ignore[no-untyped-call]
    return yaml.ScalarNode(tag, name)


def _scalar(value: Any) -> yaml.Node:
    if isinstance(value, str):
        return yaml.ScalarNode(_TEXT, value, style=_style(value))
    node: yaml.Node = SafeRepresenter().represent_data(value)
    return node


def _style(text: str) -> str | None:
    """Several plain lines as a block of lines; any other text with a break in it quoted, its breaks written as signs."""
    if not _BREAK.search(text):
        return None
    body = text.removesuffix("\n")
    return "|" if body and body == body.strip() else '"'
