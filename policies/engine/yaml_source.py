"""YAML text to plain values with the place of each; strict, because a lenient reading of policy is a hole (R-31)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from policies.engine.problems import PolicyError, Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
Path = tuple[str | int, ...]


@dataclass(slots=True)
class Source:
    """Plain values and, for every path, the line and column it starts at."""

    value: Any
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at a path, or at its nearest ancestor that has a place."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        line, column = self.places.get(known, (1, 1))
        return Problem(line, column, ".".join(map(str, path)), message)


def read(text: str) -> Source:
    """Raises PolicyError for anything but one plain YAML document."""
    if len(text.encode("utf-8")) > MAX_BYTES:
        raise PolicyError((Problem(1, 1, "", f"The document is larger than {MAX_BYTES // 1024} KiB. Split it."),))
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            _refuse_token(token)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise PolicyError((Problem(*place, "", f"Not YAML: {error.problem}."),)) from error
    except yaml.YAMLError as error:
        raise PolicyError((Problem(1, 1, "", f"Not YAML: {error}."),)) from error
    if node is None:
        raise PolicyError((Problem(1, 1, "", "The document is empty. Start with `policy:`."),))
    source = Source(None)
    source.value = _value(node, (), source)
    return source


_REFUSED = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)


def _refuse_token(token: yaml.Token) -> None:
    if isinstance(token, _REFUSED):
        _stop(token.start_mark, "Anchors, aliases and tags are not allowed. Write the value out.")


def _stop(mark: Any, message: str, path: Path = ()) -> None:
    raise PolicyError((Problem(mark.line + 1, mark.column + 1, ".".join(map(str, path)), message),))


def _value(node: yaml.Node, path: Path, source: Source) -> Any:
    if len(path) > MAX_DEPTH:
        _stop(node.start_mark, f"Nested deeper than {MAX_DEPTH} levels.", path)
    source.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), source) for index, item in enumerate(node.value)]
    return _scalar(node, path)


def _mapping(node: yaml.MappingNode, path: Path, source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        name = key_node.value
        if not isinstance(name, str) or key_node.tag == "tag:yaml.org,2002:merge":
            _stop(key_node.start_mark, "A name is plain text.", path)
        if name in found:
            _stop(key_node.start_mark, f"{name} stands twice. Keep one of them.", (*path, name))
        found[name] = _value(value_node, (*path, name), source)
        source.places[(*path, name)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
    return found


def _integer(text: str) -> int:
    return int(text.replace("_", "")) if len(text) <= 18 else _raise(text)


def _raise(text: str) -> int:
    raise ValueError(text)


def _real(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _raise(text)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:bool": lambda text: {"true": True, "false": False}[text],
    "tag:yaml.org,2002:int": _integer,
    "tag:yaml.org,2002:float": _real,
}


def _scalar(node: yaml.Node, path: Path) -> Any:
    read_scalar = _SCALARS.get(node.tag)
    if read_scalar is None:
        return node.value
    try:
        return read_scalar(node.value)
    except (KeyError, ValueError):
        _stop(
            node.start_mark, f"{node.value} is not a plain value. Quote a text; write booleans as true or false.", path
        )
