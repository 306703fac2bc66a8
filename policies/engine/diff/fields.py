"""Compares field allowlists by what a path comes to: `address` covers `address.city`, so listing both adds nothing.

Every path is covered by listed paths above it only, so judging each listed path judges all fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change
from policies.engine.diff.words import title
from policies.engine.paths import covering
from policies.engine.rows import ALWAYS

Rule = Mapping[str, Any]
_PLAIN = "visible, as a plain value"
_READ = {"visible": 0, _PLAIN: 1, "masked": 2, "withheld": 3}
_WRITE = {"written": 0, "refused": 1}
_WHY = {LOOSENS: "More of a record may be {}.", TIGHTENS: "Less of a record may be {}."}


@dataclass(frozen=True, slots=True)
class _Place:
    role: str
    resource_type: str

    def change(self, key: str, path: str, told: tuple[Any, Any], effect: str, why: str) -> Change:
        where = f"{path} of {self.resource_type} for {title(self.role)}"
        label = f"{where}: {told[0]} becomes {told[1]}." if told[0] != told[1] else f"{where}: listed otherwise."
        full = ("roles", self.role, "fields", self.resource_type, key, path)
        return Change(full, "fields", label, *told, effect, why)


def compare_fields(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Every change of what a role may read and write, resource type by resource type."""
    before, after = old.get("fields") or {}, new.get("fields") or {}
    for kind in sorted({*before, *after}):
        was, now, place = before.get(kind) or {}, after.get(kind) or {}, _Place(name, kind)
        yield from _read(place, was, now)
        yield from _write(place, was, now)
        yield from _unlisted(place, was, now)
        yield from _unknown(place, was, now)


def _read(place: _Place, old: Rule, new: Rule) -> Iterator[Change]:
    for path in sorted(_listed(old, "read") | _listed(new, "read") | _listed(old, "mask") | _listed(new, "mask")):
        states = _seen(path, old), _seen(path, new)
        mask = (old.get("mask") or {}).get(path), (new.get("mask") or {}).get(path)
        key = "mask" if mask[0] != mask[1] or "masked" in states else "read"
        if states[0] != states[1]:
            effect = LOOSENS if _READ[states[1]] < _READ[states[0]] else TIGHTENS
            yield place.change(key, path, states, effect, _WHY[effect].format("read"))
        elif None not in mask and mask[0] != mask[1]:
            yield place.change(
                "mask", path, mask, NEUTRAL, "The value stays hidden; only the word in its place differs."
            )
        elif _moved(path, old, new, "read") or _moved(path, old, new, "mask"):
            yield place.change(key, path, states, NEUTRAL, "Another listed path already says the same of it.")


def _seen(path: str, rule: Rule) -> str:
    if covering(path, _listed(rule, "mask")) is not None:
        return "masked"
    if covering(path, _listed(rule, "read")) is not None:
        return "visible"
    # The id of a record is always readable, listed or not (policies.engine.rows).
    return _PLAIN if path in ALWAYS else "withheld"


def _write(place: _Place, old: Rule, new: Rule) -> Iterator[Change]:
    before, after = _listed(old, "write"), _listed(new, "write")
    for path in sorted(before | after):
        states = _writable(path, before), _writable(path, after)
        if states[0] != states[1]:
            effect = LOOSENS if _WRITE[states[1]] < _WRITE[states[0]] else TIGHTENS
            yield place.change("write", path, states, effect, _WHY[effect].format("written"))
        elif _moved(path, old, new, "write"):
            yield place.change("write", path, states, NEUTRAL, "Another listed path already says the same of it.")


def _writable(path: str, listed: frozenset[str]) -> str:
    return "refused" if covering(path, listed) is None else "written"


def _unlisted(place: _Place, old: Rule, new: Rule) -> Iterator[Change]:
    was, now = (rule.get("unlisted", "refuse_field") for rule in (old, new))
    if was != now:
        strict = now == "refuse_action"
        why = (
            "One field that is not listed now refuses the whole action."
            if strict
            else "The other fields are now written."
        )
        told = tuple("the action refused" if word == "refuse_action" else "the field refused" for word in (was, now))
        label = f"{place.resource_type} for {title(place.role)}, on a field that is not listed: {told[0]} becomes {told[1]}."
        path = ("roles", place.role, "fields", place.resource_type, "unlisted")
        yield Change(path, "fields", label, was, now, TIGHTENS if strict else LOOSENS, why)


def _unknown(place: _Place, old: Rule, new: Rule) -> Iterator[Change]:
    for key in sorted({*old, *new} - {"read", "write", "mask", "unlisted"}):
        if old.get(key) != new.get(key):
            why = "What this term does is not known to the comparison."
            yield place.change(key, key, (old.get(key), new.get(key)), LOOSENS, why)


def _listed(rule: Rule, key: str) -> frozenset[str]:
    return frozenset(rule.get(key) or ())


def _moved(path: str, old: Rule, new: Rule, key: str) -> bool:
    return (path in _listed(old, key)) != (path in _listed(new, key))
