"""Field paths: `address.city`; a path through a list means every element, `charges.amount`. Pure.

A listed path covers itself and everything under it. A name that no path can spell (it holds a dot, a bracket or a control
character) is written in brackets, so that no rule ever covers it by accident.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_ODD = re.compile(r"[.\[\]\x00-\x1f]|^$")


def segment(name: str) -> str:
    """A name as part of a path."""
    return f"[{name!r}]" if _ODD.search(name) else name


def leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The path of every value that is neither a record nor a list of records; each once an occurrence."""
    for name, item in value.items():
        path = prefix + segment(name)
        if isinstance(item, Mapping) and item:
            yield from leaves(item, path + ".")
        elif isinstance(item, list | tuple) and item:
            yield from _elements(item, path)
        else:
            yield path


def _elements(items: list[Any] | tuple[Any, ...], path: str) -> Iterator[str]:
    """A list of plain values is one leaf; records and lists in it are walked."""
    for item in items:
        if isinstance(item, Mapping) and item:
            yield from leaves(item, path + ".")
        elif isinstance(item, list | tuple) and item:
            yield from _elements(item, path)
        else:
            yield path


def covering(path: str, listed: frozenset[str] | Mapping[str, Any]) -> str | None:
    """The listed path that is `path` or above it; None when it is not covered."""
    if path in listed:
        return path
    at = path.rfind(".")
    while at > 0:
        path = path[:at]
        if path in listed:
            return path
        at = path.rfind(".")
    return None


def above(path: str, listed: Iterable[str]) -> bool:
    """Whether a listed path lies under this one."""
    return any(name.startswith(path + ".") for name in listed)


Change = Callable[[str, Any], Any]
# What a `Change` gives for a value to leave out.
OUT = object()


def walk(value: Mapping[str, Any], change: Change, prefix: str = "") -> dict[str, Any]:
    """The same record with every leaf replaced by `change(path, leaf)`, or left out where that is `OUT`.

    A record or list that lost all it had is left out too.
    """
    kept: dict[str, Any] = {}
    for name, item in value.items():
        new = _part(prefix + segment(name), item, change)
        if new is not OUT:
            kept[name] = new
    return kept


def _part(path: str, item: Any, change: Change) -> Any:
    if isinstance(item, Mapping) and item:
        return walk(item, change, path + ".") or OUT
    if isinstance(item, list | tuple) and item:
        parts = [part for part in (_part(path, element, change) for element in item) if part is not OUT]
        return parts or OUT
    return change(path, item)
