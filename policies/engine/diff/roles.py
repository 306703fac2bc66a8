"""Compares roles: which there are, their tiers, tools, fields and row scopes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from policies.engine.diff.deciders import compare_deciders
from policies.engine.diff.fields import compare_fields
from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change
from policies.engine.diff.predicates import relation
from policies.engine.diff.tools import Role, Sides, compare_tier, compare_tools
from policies.engine.diff.words import excerpt, title

_KNOWN = frozenset({"tier", "tools", "fields", "scopes"})
_FOR_PEOPLE = {"runbook": "runbook", "on_call": "who is on call"}
_PART_OF_NEW = "It belongs to the new role, and only makes that role allow less."


def compare_roles(sides: Sides) -> Iterator[Change]:
    """Every change of every role."""
    before, after = sides.old["roles"], sides.new["roles"]
    for name in sorted({*before, *after}):
        path = ("roles", name)
        if name not in after:
            label = f"Role {title(name)} is removed. It had {_counted(before[name])}."
            yield Change(
                path, "roles", label, before[name], None, TIGHTENS, "What has this role may do nothing any more."
            )
        elif name not in before:
            label = f"Role {title(name)} is added, tier {after[name]['tier']}, with {_counted(after[name])}."
            yield Change(path, "roles", label, None, after[name], LOOSENS, "What gets this role may use it.")
            yield from _granted(sides, name, after[name])
        else:
            yield from _both(sides, name, before[name], after[name])


def _counted(role: Role) -> str:
    count = len(role["tools"])
    return f"{count} {'tool' if count == 1 else 'tools'}"


def _granted(sides: Sides, name: str, role: Role) -> Iterator[Change]:
    """What a new role may do, thing by thing; what holds it back is no tightening, for there was nothing to hold."""
    nobody = {"tier": role["tier"], "tools": {}}
    for change in (*compare_tools(sides, name, nobody, role), *_parts(name, nobody, role)):
        yield replace(change, effect=NEUTRAL, why=_PART_OF_NEW) if change.effect == TIGHTENS else change


def _both(sides: Sides, name: str, old: Role, new: Role) -> Iterator[Change]:
    yield from compare_tier(sides, name, old, new)
    yield from compare_tools(sides, name, old, new)
    yield from compare_deciders(sides, name, old, new)
    yield from _parts(name, old, new)


def _parts(name: str, old: Role, new: Role) -> Iterator[Change]:
    yield from compare_fields(name, old, new)
    before, after = old.get("scopes") or {}, new.get("scopes") or {}
    for kind in sorted({*before, *after}):
        if before.get(kind) != after.get(kind):
            yield _scope(("roles", name, "scopes", kind), before.get(kind), after.get(kind))
    for key in sorted({*old, *new} - _KNOWN):
        if old.get(key) != new.get(key):
            yield _other(name, key, old.get(key), new.get(key))


def _scope(path: tuple[str, ...], old: str | None, new: str | None) -> Change:
    was, now = (excerpt(source) if source else "every row" for source in (old, new))
    label = f"Rows of {path[3]} for {title(path[1])}: {was} becomes {now}."
    return Change(path, "scopes", label, old, new, *_narrower(old, new))


def _narrower(old: str | None, new: str | None) -> tuple[str, str]:
    if old is None or new is None:
        return (
            (LOOSENS, "Every row is in scope now.") if new is None else (TIGHTENS, "Only some rows are in scope now.")
        )
    found = relation(old, new, joined_by="&&")
    if found == "same":
        return NEUTRAL, "Only its form differs; it says the same."
    if found == "stricter":
        return TIGHTENS, "Every condition it had still stands, and one more is joined to them."
    return LOOSENS, "It cannot be shown to leave out all it left out."


def _other(name: str, key: str, old: Any, new: Any) -> Change:
    path = ("roles", name, key)
    if key in _FOR_PEOPLE:
        label = f"{title(name)}, {_FOR_PEOPLE[key]}: {old or 'nothing'} becomes {new or 'nothing'}."
        return Change(path, "roles", label, old, new, NEUTRAL, "People read it; no decision depends on it.")
    why = "What this term does is not known to the comparison."
    return Change(path, "roles", f"{title(name)}: {key} changes.", old, new, LOOSENS, why)


def compare_policy(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """The policy's own name and slug."""
    before, after = old["policy"], new["policy"]
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was != now:
            judged = (NEUTRAL, "Only the words differ; no decision depends on them.")
            unknown = (LOOSENS, "A policy is known by it, so another may take its place.")
            label = f"The policy's {key}: {was} becomes {now}."
            yield Change(("policy", key), "policy", label, was, now, *(judged if key == "name" else unknown))
