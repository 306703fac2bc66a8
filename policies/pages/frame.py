"""The head of every page of a policy: its name, the draft, the tabs with their counts, and what the draft adds up to."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from policies.engine.diff import Change, Diff
from policies.pages.place import Place
from policies.pages.sentences import plural

# tab -> (label, what one change in it is called)
TABS = {
    "tiers": ("Tiers", "tier"),
    "fields": ("Fields", "field"),
    "rows": ("Row scopes", "row scope"),
    "invariants": ("Invariants", "invariant"),
    "limits": ("Limits", "limit"),
    "steps": ("Approval steps", "route"),
    "freezes": ("Freezes", "freeze"),
    "breakers": ("Breakers", "breaker"),
    "versions": ("Versions", "version"),
}
SECTION_TABS = {"invariants": "invariants", "limits": "limits", "routes": "steps", "freezes": "freezes", "breakers": "breakers",
                "demotions": "breakers", "redact": "fields", "waivers": "other", "tests": "other", "policy": "other"}  # fmt: skip
ROLE_TABS = {"fields": "fields", "scopes": "rows"}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; `note` is `4 changed` or how many rules it has."""

    label: str
    url: str
    note: str
    current: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a draft adds up to: a sentence, its tone and icon."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The head and the foot of a policy page."""

    place: Place
    tabs: tuple[Tab, ...]
    summary: str
    changes: int
    verdict: Verdict | None
    compare_url: str


def frame_of(place: Place, current: str) -> Frame:
    """Everything around a tab."""
    counts = Counter(tab_of(change.path) for change in place.diff.changes) if place.diff else Counter[str]()
    slug = place.policy.slug
    tabs = [
        Tab(label, reverse(f"policies:{key}", args=[slug]), _note(place, key, counts[key]), key == current)
        for key, (label, _) in TABS.items()
    ]
    number = place.draft.base.number if place.draft and place.draft.base else None
    return Frame(
        place=place,
        tabs=tuple(tabs),
        summary=summary_of(place.diff, counts) if place.diff else "",
        changes=len(place.diff.changes) if place.diff else 0,
        verdict=verdict_of(place.diff) if place.diff else None,
        compare_url=reverse("policies:compare", args=[slug, f"{number}..draft"]) if number else "",
    )


def tab_of(path: tuple[str, ...]) -> str:
    """The tab a change belongs to."""
    if path[0] == "roles":
        return ROLE_TABS.get(path[2], "tiers") if len(path) > 2 else "tiers"
    return SECTION_TABS.get(path[0], "other")


def _note(place: Place, key: str, changed: int) -> str:
    if changed:
        return f"{changed} changed"
    if key == "versions":
        return str(place.policy.versions.count())
    count = _count(place.plain, key)
    return str(count) if count else ""


def _count(plain: Mapping[str, Any], key: str) -> int:
    if key in {"tiers", "fields"}:
        return 0
    if key == "rows":
        return sum(len(role.get("scopes", {})) for role in plain["roles"].values())
    return len(plain.get("routes" if key == "steps" else key) or ())


def summary_of(diff: Diff, counts: Counter[str]) -> str:
    """`4 tiers and 1 field, all tighten.`"""
    words = {key: word for key, (_, word) in TABS.items()} | {"other": "other part"}
    parts = [plural(counts[key], word) for key, word in words.items() if counts[key]]
    if not parts:
        return "Nothing differs yet."
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"{listed}, {_direction(diff.changes)}."


def _direction(changes: tuple[Change, ...]) -> str:
    kinds = Counter(change.effect for change in changes)
    several = len(changes) > 1
    if kinds["tightens"] == len(changes):
        return "all tighten" if several else "it tightens"
    if not kinds["tightens"] and not kinds["loosens"]:
        return "nothing an agent may do differs"
    said = [
        f"{kinds[kind]} {word if kinds[kind] > 1 else word + 's'}"
        for kind, word in (("loosens", "loosen"), ("tightens", "tighten"))
        if kinds[kind]
    ]
    return " and ".join(said)


def verdict_of(diff: Diff) -> Verdict:
    """The pill: Only tightens, Loosens n, Mixed."""
    loosens = len([change for change in diff.changes if change.effect == "loosens"])
    if diff.verdict == "tightens":
        return Verdict("Only tightens. Nothing is loosened.", "ok", "shield-check")
    if diff.verdict == "loosens":
        return Verdict(f"Loosens {loosens}", "warn", "shield-alert")
    if diff.verdict == "mixed":
        tightens = len([change for change in diff.changes if change.effect == "tightens"])
        return Verdict(f"Mixed: loosens {loosens}, tightens {tightens}", "warn", "shield-alert")
    if diff.verdict == "first":
        return Verdict("First version", "", "shield")
    return Verdict("Nothing an agent may do differs", "", "shield")
