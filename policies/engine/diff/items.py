"""Compares lists of rules by their ids: what came, what went, and each aspect of what stayed.

An aspect is one or more keys judged together. A key no aspect knows counts as loosening, so a rule that gains a term
nobody taught this comparison is never taken for a tightening.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change
from policies.engine.diff.words import sentence

Item = Mapping[str, Any]
# The effect and why, or None where the two say the same in other words.
Judged = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Aspect:
    """`show` says the aspect of an item in words; where it is None the label only says that the words changed."""

    keys: tuple[str, ...]
    what: str
    judge: Callable[[Item, Item], Judged]
    show: Callable[[Item], str] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One section of rules, with the effect of a rule that comes or goes and why; `describe` says a rule in words."""

    section: str
    noun: str
    added: tuple[str, str]
    removed: tuple[str, str]
    aspects: tuple[Aspect, ...]
    id_key: str = "id"
    describe: Callable[[Item], str] | None = None


def words(old: Item, new: Item) -> Judged:
    """For what people read and no decision depends on."""
    return NEUTRAL, "Only the words differ; no decision depends on them."


def compare_items(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Every change of one section; the order of its rules means nothing."""
    before, after = _by_id(kind, old), _by_id(kind, new)
    for name in [*before, *(name for name in after if name not in before)]:
        path = (kind.section, name)
        if name not in before:
            label = _came_or_went(kind, "added", after[name])
            yield Change(path, kind.section, label, None, after[name], *kind.added)
        elif name not in after:
            label = _came_or_went(kind, "removed", before[name])
            yield Change(path, kind.section, label, before[name], None, *kind.removed)
        else:
            yield from compare_item(kind, path, _called(after[name]), before[name], after[name])


def compare_item(kind: Kind, path: tuple[str, ...], called: str, old: Item, new: Item) -> Iterator[Change]:
    """The changes of one rule that stands in both."""
    name, known = f"{kind.noun} {called}", {kind.id_key}
    for aspect in kind.aspects:
        known.update(aspect.keys)
        was, now = _part(old, aspect.keys), _part(new, aspect.keys)
        judged = aspect.judge(old, new) if was != now else None
        if judged is not None:
            label = f"{name}: {aspect.what} changes." if aspect.show is None else _label(name, aspect, old, new)
            yield Change((*path, aspect.keys[0]), kind.section, label, _value(was), _value(now), *judged)
    for key in sorted((set(old) | set(new)) - known):
        if old.get(key) != new.get(key):
            why = "What this term does is not known to the comparison."
            yield Change(
                (*path, key), kind.section, f"{name}: {key} changes.", old.get(key), new.get(key), LOOSENS, why
            )


def _came_or_went(kind: Kind, verb: str, item: Item) -> str:
    said = f": {kind.describe(item)}" if kind.describe is not None else ""
    return f"{kind.noun} {_called(item)} is {verb}{said}."


def _label(name: str, aspect: Aspect, old: Item, new: Item) -> str:
    show = aspect.show or str
    return sentence(name, aspect.what, show(old), show(new))


def _by_id(kind: Kind, document: Mapping[str, Any]) -> dict[str, Item]:
    """A second rule of one id, which no document that loads has, is told apart by its place."""
    found: dict[str, Item] = {}
    for number, item in enumerate(document.get(kind.section) or ()):
        name = item[kind.id_key]
        found[name if name not in found else f"{name} (place {number + 1})"] = item
    return found


def _called(item: Item) -> str:
    return str(item.get("name") or item["id"])


def _part(item: Item, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: item[key] for key in keys if key in item}


def _value(part: Mapping[str, Any]) -> Any:
    """The value itself where one key changed; a map where several are judged together."""
    if len(part) == 1:
        return next(iter(part.values()))
    return dict(part) or None


def stricter_if(what: bool, *, why: str, otherwise: str) -> Judged:
    """Tightens with one reason, or loosens with another."""
    return (TIGHTENS, why) if what else (LOOSENS, otherwise)
