"""Lists of rules as sentences: invariants, limits, freezes, breakers, routes, row scopes. Each line knows what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.edits import fingerprint, routes_used, value_at
from policies.engine.diff.words import attributes, title
from policies.pages import sentences
from policies.pages.conditions import sentence_of
from policies.pages.place import Place
from policies.usage_stats import FIRED_DAYS


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule as people read it. `badge` is added or changed by this draft; `cel` is the expression behind it."""

    id: str
    sentence: str
    detail: str
    about: str
    cel: str
    badge: str
    seen: str
    problems: tuple[str, ...] = ()
    last: datetime | None = None
    count: int | None = None
    # How far back one looked for it.
    days: int = FIRED_DAYS
    history: tuple[int, ...] = ()
    history_text: str = ""
    history_bound: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """A rule that this draft removes."""

    id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """Which records of a type a role may touch; without an expression, all of them."""

    role: str
    role_title: str
    resource_type: str
    noun: str
    sentence: str
    cel: str
    badge: str


def rule_lines(place: Place, section: str, problems: tuple[str, ...] = ()) -> list[RuleLine]:
    """The rules of a list section."""
    return [_line(place, section, rule, problems) for rule in place.plain.get(section) or ()]


def _line(place: Place, section: str, rule: Mapping[str, Any], problems: tuple[str, ...]) -> RuleLine:
    words, detail = WORDS[section](rule)
    mine = tuple(text for text in problems if text.startswith(f"{section}.{rule['id']},"))
    cel = str(rule.get("forbid") or rule.get("require") or "")
    shown = f"!({cel})" if "forbid" in rule else cel
    return RuleLine(
        rule["id"],
        words,
        detail,
        sentences.when(rule) if "when" in rule else f"agents with role {rule['role']}",
        shown,
        badge_of(place, section, rule["id"]),
        fingerprint(rule),
        mine,
    )


WORDS = {
    "invariants": lambda rule: (sentences.invariant(rule), str(rule["reason"])),
    "limits": lambda rule: (str(rule.get("name") or rule["id"]), sentences.limit(rule)),
    "freezes": lambda rule: (str(rule.get("name") or rule["id"]), sentences.freeze(rule)),
    "breakers": lambda rule: (str(rule.get("name") or rule["id"]), sentences.breaker(rule)),
    "demotions": lambda rule: (str(rule.get("name") or rule["id"]), f"{sentences.demotion(rule)}."),
}


def told(section: str, rule: Mapping[str, Any]) -> list[str]:
    """A whole rule in sentences: whatever of it somebody changed, it shows."""
    expression = str(rule.get("forbid") or rule.get("require") or "")
    said = [f"{'Never' if 'forbid' in rule else 'Only'} where {expression}"] if expression else []
    rest = [str(rule[name]) for name in ("reason", "remedy") if name in rule]
    parts = [*WORDS[section](rule), *said, f"About {sentences.when(rule)}", *rest]
    return list(dict.fromkeys(parts))


def badge_of(place: Place, *path: str) -> str:
    """What this draft does to what stands at a path."""
    if place.draft is None:
        return ""
    now, was = value_at(place.plain, path), value_at(place.base, path)
    if now == was:
        return ""
    return "added" if was is None else "changed"


def gone(place: Place, section: str) -> list[Gone]:
    """Rules that stood before this draft and do not any more."""
    if place.draft is None:
        return []
    lost = [rule for rule in place.base.get(section) or () if value_at(place.plain, (section, rule["id"])) is None]
    return [Gone(rule["id"], WORDS[section](rule)[0]) for rule in lost]


@dataclass(frozen=True, slots=True)
class RouteLine:
    """Approval steps: who decides in which order, how long it may take, and who uses them."""

    name: str
    steps: tuple[tuple[str, str, int], ...]
    expires: str
    more: tuple[str, ...]
    sentence: str
    users: tuple[str, ...]
    badge: str
    seen: str


def route_lines(place: Place, groups: Mapping[str, str]) -> list[RouteLine]:
    """The routes of the document; `groups` is slug -> name."""
    used = routes_used(place.plain)
    return [
        RouteLine(
            name=name,
            steps=tuple(_step(step, groups) for step in rule["steps"]),
            expires=sentences.length(rule.get("expires", "1h")),
            more=tuple(sentences.route_more(rule, groups)),
            sentence=sentences.route(rule),
            users=tuple(used.get(name, ())),
            badge=badge_of(place, "routes", name),
            seen=fingerprint(rule),
        )
        for name, rule in (place.plain.get("routes") or {}).items()
    ]  # fmt: skip


def told_route(rule: Mapping[str, Any], groups: Mapping[str, str]) -> list[str]:
    """Whole approval steps in sentences: whatever of them somebody changed, it shows."""
    steps = [f"{name}: {people} of {who}" for name, who, people in (_step(step, groups) for step in rule["steps"])]
    rest = f"Denied if nobody decides within {sentences.length(rule.get('expires', '1h'))}."
    return [*steps, rest, *sentences.route_more(rule, groups)]


def _step(step: Mapping[str, Any], groups: Mapping[str, str]) -> tuple[str, str, int]:
    group = [groups.get(step["group"], f"{step['group']}, which does not exist")] if "group" in step else []
    having = [attributes(step["attributes"].items())] if "attributes" in step else []
    return str(step["name"]), " or ".join([*group, *step.get("people", ()), *having]), int(step.get("quorum", 1))


def scope_lines(place: Place, role_filter: str = "") -> list[ScopeLine]:
    """Every role and record type it has tools for, with the scope that holds."""
    found = []
    for role, data in place.roles.items():
        if role_filter and role != role_filter:
            continue
        used = {place.tools[tool].facts.resource_type for tool in data["tools"] if tool in place.tools}
        for kind in sorted(used | set(data.get("scopes", {}))):
            found.append(_scope_line(place, role, kind, data.get("scopes", {}).get(kind, "")))
    return found


def _scope_line(place: Place, role: str, kind: str, cel: str) -> ScopeLine:
    noun = place.noun(kind)
    words = (
        (sentence_of(cel, noun) or f"Only {noun.lower()} records where this expression holds.")
        if cel
        else f"Every {noun.lower()} record."
    )
    badge = badge_of(place, "roles", role, "scopes", kind)
    if not badge and not cel and place.draft and value_at(place.base, ("roles", role, "scopes", kind)):
        badge = "removed"
    return ScopeLine(role, title(role), kind, noun, words, cel, "removed" if badge and not cel else badge)
