"""The tier matrix: tools by capability, a column a role, a cell what that role may do with that tool."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from policies.edits import fingerprint, value_at
from policies.engine.diff.words import title
from policies.engine.types import EFFECT_CLASSES
from policies.pages.place import Place
from policies.pages.powers import Powers
from policies.pages.sentences import CLASSES, TIER_WORDS

SHORT = {
    "read-only": "Read-only",
    "draft-only": "Draft-only",
    "execute-with-approval": "With approval",
    "autonomous": "Autonomous",
}
UNKNOWN = "Not among the tools of this workspace"
WIDE = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `was` is the word before this draft, where it differs; `seen` the digest of what stands there."""

    role: str
    tool: str
    title: str
    level: str
    word: str
    end: str
    was: str
    by_tier: bool
    seen: str
    query: str
    selected: bool
    reads: bool
    route: str

    @property
    def label(self) -> str:
        """The cell's name for those who hear the page."""
        end, was = f" {self.end}" if self.end else "", f", was {self.was}" if self.was else ""
        return f"{self.title}, {self.tool}: {self.word}{end}{was}"

    @property
    def ident(self) -> str:
        """A stable DOM id."""
        return f"cell-{self.role}-{self.tool}".replace(".", "_")


@dataclass(frozen=True, slots=True)
class Row:
    tool: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A role: its name and title, its tier in words, and the digest of its own terms."""

    name: str
    title: str
    tier: str
    tier_words: str
    was: str
    seen: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the matrix is shown; all of it is in the address."""

    changed: bool = False
    tool: str = ""
    role: str = ""
    cell: str = ""

    @property
    def active(self) -> int:
        """How many filters are set."""
        return sum(map(bool, (self.changed, self.tool, self.role)))

    def query(self, **changes: Any) -> str:
        """The address part of these filters with changes."""
        values = {
            "show": "changed" if self.changed else "",
            "tool": self.tool,
            "role": self.role,
            "cell": self.cell,
        } | changes
        kept = {name: value for name, value in values.items() if value}
        return "?" + urlencode(kept, safe="/") if kept else "?"


@dataclass(frozen=True, slots=True)
class Matrix:
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    filters: Filters
    wide: bool
    all_roles: tuple[tuple[str, str], ...]

    @property
    def span(self) -> int:
        """How many columns a band covers."""
        return len(self.columns) + 1


def matrix_of(place: Place, filters: Filters) -> Matrix:
    """The matrix this person sees with these filters."""
    names = [name for name in sorted(place.roles) if not filters.role or name == filters.role]
    columns = tuple(_column(place, name) for name in names)
    rows = list(_rows(place, names, filters))
    groups = [
        Group(label, tuple(row for kind, row in rows if kind == key))
        for key, label in [*CLASSES.items(), ("", UNKNOWN)]
    ]
    shown = tuple(group for group in groups if group.rows)
    everyone = tuple((name, title(name)) for name in sorted(place.roles))
    return Matrix(columns, shown, filters, len(columns) > WIDE, everyone)


def _column(place: Place, name: str) -> Column:
    tier, was = place.roles[name]["tier"], (place.base["roles"].get(name) or {}).get("tier", "")
    changed = SHORT[was] if place.draft and was and was != tier else ""
    return Column(name, title(name), tier, SHORT[tier], changed, fingerprint(terms(place.plain, name)))


def terms(plain: Mapping[str, Any], role: str) -> list[Any]:
    """What a role's own form edits."""
    data = value_at(plain, ("roles", role)) or {}
    return [data.get("tier"), data.get("runbook"), data.get("on_call")]


def told_terms(plain: Mapping[str, Any], role: str) -> list[str]:
    """The same in words."""
    tier, runbook, on_call = terms(plain, role)
    if tier is None:
        return ["The role is not there any more"]
    return [TIER_WORDS[tier], f"Runbook {runbook or 'none'}", f"On call {on_call or 'nobody'}"]


def _rows(place: Place, roles: list[str], filters: Filters) -> Iterator[tuple[str, Row]]:
    classes = {name: entry.facts.effect_class for name, entry in place.tools.items()}
    listed = {tool for name in place.roles for tool in place.roles[name]["tools"]}
    before = {tool for data in place.base["roles"].values() for tool in data["tools"]}
    draw = _Cells(place, filters)
    order = {kind: number for number, kind in enumerate(EFFECT_CLASSES)}
    every = sorted({*classes, *listed, *before}, key=lambda tool: (order.get(classes.get(tool, ""), 9), tool))
    for tool in every:
        if filters.tool and filters.tool.lower() not in tool:
            continue
        kind = classes.get(tool, "")
        cells = tuple(draw.cell(role, tool, kind) for role in roles)
        if filters.changed and not any(cell.was for cell in cells):
            continue
        entry = place.tools.get(tool)
        yield kind, Row(tool, entry.title if entry else "", cells)


class _Cells:
    """Draws the cells of one matrix."""

    def __init__(self, place: Place, filters: Filters) -> None:
        self.place, self.filters = place, filters
        self.now, self.before = Powers(place.plain, place.at), Powers(place.base, place.at) if place.draft else None
        self.titles = {role: title(role) for role in place.roles}

    def cell(self, role: str, tool: str, kind: str) -> Cell:
        now = self.now.of(role, tool, kind)
        was = self.before.of(role, tool, kind) if self.before else now
        name = f"{role}/{tool}"
        return Cell(
            role=role, tool=tool, title=self.titles[role], level=now.level, word=now.word, end=now.end,
            was=was.said if (was.said, was.route) != (now.said, now.route) else "",
            by_tier=now.by_tier, seen=fingerprint(self.place.plain["roles"][role]["tools"].get(tool)),
            query=self.filters.query(cell=name), selected=self.filters.cell == name, reads=kind == "read",
            route=now.route or self.now.default_name,
        )  # fmt: skip
