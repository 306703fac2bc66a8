"""What the macros of an expression walk: how much, and whether any of it is a record. Pure.

A record has no order, so one walked as if it were a list could decide the same call either way. And walks multiply.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.engine.celtree import MACROS, Node

Names = Mapping[str, Sequence[Any]]
# By how often the size of the values multiplies: as many elements are walked in less than a second.
MOST = (None, 500_000, 1_500, 200, 60)
_CHARACTERS = 64  # Of a text, taken for one element.


def is_macro(node: Node) -> bool:
    """Whether a node walks a list: `list.all(x, …)`."""
    return node.kind == "call" and node.name in MACROS


def nesting(node: Node) -> int:
    """How many macros stand inside each other, or after each other."""
    return max((nesting(part) for part in node.args if part is not None), default=0) + is_macro(node)


def power(node: Node, bound: frozenset[str] | None = None) -> int:
    """How often the size of the values multiplies in the time an evaluation takes; 0 where no macro walks them.

    What is named from outside a macro is copied for every element, and `map` and `filter` copy what they have so far.
    """
    if node.kind == "ident":
        return int(bound is not None and node.name not in bound)
    if not is_macro(node):
        return max((power(part, bound) for part in node.args if part is not None), default=0)
    target, variable, *body = (part for part in node.args if part is not None)
    inside = (bound or frozenset()) | {variable.name}
    walked = 1 + max((power(part, inside) for part in body), default=0)
    copied = 1 + _size(node, inside) if node.name in ("map", "filter") else 0
    return max(power(target, bound), walked, copied)


def _size(node: Node, bound: frozenset[str]) -> int:
    """How often the size of the values multiplies in the result; 0 for a part of an element, all of which are one size."""
    if node.kind == "ident":
        return int(node.name not in bound)
    parts = [part for part in node.args if part is not None]
    if is_macro(node):
        target = max(1, _size(parts[0], bound))
        return {"map": max(target, 1 + _size(parts[-1], bound | {parts[1].name})), "filter": target}.get(node.name, 0)
    if node.kind in ("select", "index"):
        return _size(parts[0], bound)
    made = node.kind in ("list", "map", "cond") or node.name == "+"
    return max((_size(part, bound) for part in parts), default=0) if made else 0


def growth(node: Node) -> int:
    """How many times larger than what it is given a value in the expression can be: macros multiply what `+` joins."""
    joined = sum(part.kind == "binary" and part.name == "+" for part in node.walk())
    macros = max(nesting(node), 1)
    most: int = (joined // macros + 1) ** macros
    return most


def weight(value: Any) -> int:
    """How many elements a value has, those of its elements included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(weight, value.values()))
    if isinstance(value, list | tuple):
        return 1 + sum(map(weight, value))
    return 1 + len(value) // _CHARACTERS if isinstance(value, str) else 1


def walks_record(node: Node, names: Names) -> bool:
    """Whether a macro of the expression would walk a record. `names` is name -> the values it may have."""
    if not is_macro(node):
        return any(walks_record(part, names) for part in node.args if part is not None)
    target, variable, *body = (part for part in node.args if part is not None)
    walked = _values(target, names)
    if any(isinstance(value, Mapping) for value in walked) or walks_record(target, names):
        return True
    inside = {**names, variable.name: _elements(walked)}
    return any(walks_record(part, inside) for part in body)


def _elements(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, Mapping):
            found += value.values()
        elif isinstance(value, list | tuple):
            found += value
    return found


def _values(node: Node, names: Names) -> Sequence[Any]:
    """Every value a node could have, where it is part of what was given; a list or record it makes is one too."""
    if node.kind == "ident":
        return names.get(node.name, ())
    parts = [part for part in node.args if part is not None]
    if is_macro(node) and node.name == "map":
        inside = {**names, parts[1].name: _elements(_values(parts[0], names))}
        return [list(_values(parts[-1], inside))]
    if is_macro(node) and node.name == "filter":
        return _values(parts[0], names)
    if node.kind in ("select", "index"):
        return _part_of(node, parts[0], names)
    found = [value for part in parts for value in _values(part, names)]
    if node.kind == "list":
        return [found]
    if node.kind == "map":
        return [dict(enumerate(found))]
    return found if node.kind in ("cond", "binary") else ()


def _part_of(node: Node, base: Node, names: Names) -> Sequence[Any]:
    given = _values(base, names)
    if node.kind == "index" or base.kind == "map":
        return _elements(given)
    return [value[node.name] for value in given if isinstance(value, Mapping) and node.name in value]
