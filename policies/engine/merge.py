"""Merges two sets of edits of one document cell by cell. Pure.

A cell is the smallest thing one person edits as a whole: a role's mode of one tool, one path of an allowlist, one scope,
one rule, one route, one test. Edits of different cells both stand; different edits of one cell are a conflict.
The result need not load: one side may name a route the other removed. Whoever saves it finds that out.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Plain = Mapping[str, Any]
Path = tuple[str, ...]
SIDES = ("theirs", "yours")
# Lists whose items are known by a name of their own; the order of a list decides nothing.
_KEYED = {
    "invariants": "id", "limits": "id", "breakers": "id", "demotions": "id", "freezes": "id", "waivers": "id", "tests": "name",
}  # fmt: skip
# Where one side has nothing.
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that somebody changed. A side that has nothing there is None; `result` is what the merge took."""

    path: Path
    base: Any
    theirs: Any
    yours: Any
    result: Any
    conflict: bool

    @property
    def key(self) -> str:
        """The path as one text, for a form: `roles/refunds/tools/desk.refund.create`."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Merged:
    """`result` has theirs where both sides changed one cell differently. `touched` are all cells anybody changed."""

    result: dict[str, Any]
    touched: tuple[Cell, ...]
    sides: tuple[Plain, Plain, Plain] = field(repr=False)

    @property
    def conflicts(self) -> tuple[Cell, ...]:
        """The cells that need a choice."""
        return tuple(cell for cell in self.touched if cell.conflict)


class ChoiceMissing(Exception):
    """A conflict without a choice, or with one that is neither theirs nor yours; `cells` are those."""

    def __init__(self, cells: tuple[Cell, ...]) -> None:
        self.cells = cells
        super().__init__(f"Choose theirs or yours for {', '.join(cell.key for cell in cells)}.")


def merge(base: Plain, theirs: Plain, yours: Plain) -> Merged:
    """Both sides' edits of `base` together. The sides are only read; the result shares values with them."""
    return _merged((base, theirs, yours), lambda cell: "theirs")


def resolve(merged: Merged, choices: Mapping[str, str]) -> dict[str, Any]:
    """The document with a choice, `theirs` or `yours`, for the key of every conflict. Raises ChoiceMissing."""
    missing = tuple(cell for cell in merged.conflicts if choices.get(cell.key) not in SIDES)
    if missing:
        raise ChoiceMissing(missing)
    return _merged(merged.sides, lambda path: choices["/".join(path)]).result


def _merged(sides: tuple[Plain, Plain, Plain], choose: Callable[[Path], str]) -> Merged:
    merger = _Merger(choose)
    result: dict[str, Any] = dict(merger.merge((), *sides))
    return Merged(result, tuple(merger.touched), sides)


class _Merger:
    def __init__(self, choose: Callable[[Path], str]) -> None:
        self.choose = choose
        self.touched: list[Cell] = []

    def merge(self, path: Path, base: Any, theirs: Any, yours: Any) -> Any:
        """The merged value, or _ABSENT. Where only one side changed, its value stands exactly, order and all."""
        if _same(base, theirs) and _same(base, yours):
            return theirs
        shape = _shape(path)
        if shape == "cell" or (_is_role(path) and _ABSENT in (theirs, yours)):
            return self._cell(path, base, theirs, yours)
        parts = self._parts(path, shape, base, theirs, yours)
        for one, other, answer in ((theirs, yours, theirs), (base, yours, theirs), (base, theirs, yours)):
            if _same(one, other):
                return answer
        return _rebuilt(shape, parts) if parts or _stays(base, theirs, yours) else _ABSENT

    def _parts(self, path: Path, shape: str, *sides: Any) -> dict[str, Any]:
        base, theirs, yours = (_named(path, shape, side) for side in sides)
        merged = {
            name: self.merge((*path, name), *(side.get(name, _ABSENT) for side in (base, theirs, yours)))
            for name in _order(list(base), list(theirs), list(yours))
        }
        return {name: value for name, value in merged.items() if value is not _ABSENT}

    def _cell(self, path: Path, base: Any, theirs: Any, yours: Any) -> Any:
        conflict = not (_same(base, theirs) or _same(base, yours) or _same(theirs, yours))
        mine = self.choose(path) == "yours" if conflict else _same(base, theirs)
        result = yours if mine else theirs
        base, theirs, yours, took = (None if value is _ABSENT else value for value in (base, theirs, yours, result))
        self.touched.append(Cell(path, base, theirs, yours, took, conflict))
        return result


def _shape(path: Path) -> str:
    """How the value at a path divides: a map, a list keyed by names, a set of names, or not at all."""
    match path:
        case () | ("policy" | "roles" | "routes" | "redact",) | ("roles" | "redact", _):
            return "map"
        case (
            ("roles", _, "tools" | "scopes" | "fields") | ("roles", _, "fields", _) | ("roles", _, "fields", _, "mask")
        ):
            return "map"
        case ("roles", _, "fields", _, "read" | "write"):
            return "set"
        case (section,) if section in _KEYED:
            return "keyed"
    return "cell"


def _is_role(path: Path) -> bool:
    """A role is removed as a whole: an edit inside it cannot stand beside that."""
    return len(path) == 2 and path[0] == "roles"


def _named(path: Path, shape: str, value: Any) -> dict[str, Any]:
    if value is _ABSENT:
        return {}
    if shape == "keyed":
        return {item[_KEYED[path[0]]]: item for item in value}
    return {name: name for name in value} if shape == "set" else dict(value)


def _rebuilt(shape: str, parts: dict[str, Any]) -> Any:
    return parts if shape == "map" else list(parts.values())


def _stays(base: Any, theirs: Any, yours: Any) -> bool:
    """Whether an empty section stays written, merged like any other cell."""
    was, here, there = (value is not _ABSENT for value in (base, theirs, yours))
    return here if there == was else there


def _order(base: list[str], theirs: list[str], yours: list[str]) -> list[str]:
    """The base's order, or that of the one side that changed it; then what is new, by name."""
    moved = [side for side in (theirs, yours) if _common(side, base) != _common(base, side)]
    leading = _common(moved[0], base) if len(moved) == 1 else base
    rest = [name for name in base if name not in leading]
    return [*leading, *rest, *sorted({*theirs, *yours} - set(base))]


def _common(names: Iterable[str], others: Iterable[str]) -> list[str]:
    kept = set(others)
    return [name for name in names if name in kept]


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and the order of a map means nothing."""
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
