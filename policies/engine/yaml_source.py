"""YAML text to plain values with the place of each; strict, because a lenient reading of policy is a hole (R-31)."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml
from yaml.reader import ReaderError

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


Place = Callable[[Path, str], Problem]


def placing(text: str) -> Place:
    """Gives problems of a text that loads their place. The text is read again only when there is a problem to place."""
    found: list[Source] = []

    def problem(path: Path, message: str) -> Problem:
        if not found:
            found.append(read(text))
        return found[0].problem(path, message)

    return problem


def read(text: str) -> Source:
    """Raises PolicyError for anything but one plain YAML document."""
    check_size(text.encode("utf-8", "surrogatepass"))
    lost = text.find("\ufffd")
    if lost >= 0:
        before = text[:lost].split("\n")
        message = "Bytes stood here that are not UTF-8. Write the character again, or save the file as UTF-8."
        raise PolicyError((Problem(len(before), len(before[-1]) + 1, "", message),))
    node = _compose(text)
    if node is None:
        raise PolicyError((Problem(1, 1, "", "The document is empty. Start with `policy:`."),))
    return made_of(node)


def made_of(node: yaml.Node) -> Source:
    """The plain values of a composed text that has neither anchor, alias nor tag. Raises PolicyError."""
    source = Source(None)
    source.value = _value(node, (), source)
    return source


def check_size(data: bytes) -> None:
    """Raises PolicyError for more than a document may have, at the line where it is too much."""
    if len(data) > MAX_BYTES:
        line = data.count(b"\n", 0, MAX_BYTES) + 1
        message = f"The document is larger than {MAX_BYTES // 1024} KiB, which end in this line. Split it."
        raise PolicyError((Problem(line, 1, "", message),))


class _Strict(yaml.SafeLoader):
    """Stops at the first alias, anchor, tag or level too deep, before anything is made of it."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs of PyYAML leave it out
        if event.anchor is not None or getattr(event, "tag", None) is not None:
            _stop(event.start_mark, "Anchors, aliases and tags are not allowed. Write the value out.")
        if self.depth > MAX_DEPTH:
            _stop(event.start_mark, f"Nested deeper than {MAX_DEPTH} levels. Make it flatter.")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(text: str) -> yaml.Node | None:
    try:
        loader = _Strict(text)
    except ReaderError as error:
        before = text[: error.position].split("\n")
        message = "A control character stands here. Remove it."
        raise PolicyError((Problem(len(before), len(before[-1]) + 1, "", message),)) from error
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark, said = error.problem_mark or error.context_mark, error.problem
        raise PolicyError((_at(mark or loader.get_mark(), f"Not YAML: {said}. Mend the layout."),)) from error
    except ValueError as error:  # An escape that names no character.
        raise PolicyError((_at(loader.get_mark(), f"Not YAML: {error}. Write the character itself."),)) from error


def _at(mark: Any, message: str, path: Path = ()) -> Problem:
    return Problem(mark.line + 1, mark.column + 1, ".".join(map(str, path)), message)


def _stop(mark: Any, message: str, path: Path = ()) -> NoReturn:
    raise PolicyError((_at(mark, message, path),))


def _value(node: yaml.Node, path: Path, source: Source) -> Any:
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
            _stop(key_node.start_mark, "A name is plain text. Write it as `name:`.", path)
        _check_text(key_node, path)
        if name in found:
            _stop(key_node.start_mark, f"{name} stands twice. Keep one of them.", (*path, name))
        found[name] = _value(value_node, (*path, name), source)
        source.places[(*path, name)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
    return found


# Control characters, halves of a character, marks of no width and those that turn the reading order: nobody sees them.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def _check_text(node: yaml.Node, path: Path) -> None:
    if UNSEEN.search(node.value):
        _stop(node.start_mark, "This text holds a control character. Remove it.", path)


# Not `010`, `0x1f` or `1:30`, which YAML reads as other numbers than people do. JSON keeps no more than 53 bits.
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
MAX_INTEGER = 2**53 - 1


def _integer(text: str) -> int:
    if len(text) > 30 or not _WHOLE.fullmatch(text) or abs(int(text)) > MAX_INTEGER:
        _raise(text)
    return int(text)


def _raise(text: str) -> NoReturn:
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
        _check_text(node, path)
        return node.value
    try:
        return read_scalar(node.value)
    except (KeyError, ValueError):
        advice = "Quote a text; write booleans as true or false, and numbers in plain digits."
        _stop(node.start_mark, f"{node.value[:60]} is not a plain value. {advice}", path)
