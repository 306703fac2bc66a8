"""The ship gate as people read it: capability rows, their controls, what meets each, and how to move a role's tier."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.documents import still_read
from policies.edits import fingerprint
from policies.engine.diff.words import title
from policies.engine.shipgate import Control, RoleGate, Row, assess, expiries
from policies.engine.types import TIERS
from policies.pages.place import EMPTY, Place
from policies.pages.sentences import TIER_WORDS, instant

ORDER = list(TIERS)


@dataclass(frozen=True, slots=True)
class ControlView:
    """One control: `status` of the vocabulary, empty where the role does nothing of the kind."""

    name: str
    status: str
    sentence: str
    by: str


@dataclass(frozen=True, slots=True)
class RowView:
    """One capability of a role."""

    row: Row
    controls: tuple[ControlView, ...]


@dataclass(frozen=True, slots=True)
class GateView:
    """The table of one role, and the tiers above and below its own."""

    gate: RoleGate
    rows: tuple[RowView, ...]
    role_title: str
    tier_words: str
    missing: int
    waived: int
    seen: str
    up: tuple[str, str] | None
    down: tuple[str, str] | None


def gate_views(place: Place) -> list[GateView]:
    """Every role's table, in the draft where there is one."""
    return [_view(gate) for gate in _assessed(place, place.plain)]


def live_views(place: Place, role: str) -> list[GateView]:
    """One role's table in the version that is live: what its agents have now, whatever a draft says."""
    live = still_read(place.live) if place.live else None
    plain = live.plain if live else EMPTY
    return [_view(gate) for gate in _assessed(place, plain) if gate.role == role]


def _assessed(place: Place, plain: Mapping[str, Any]) -> tuple[RoleGate, ...]:
    return assess(plain, {name: entry.facts for name, entry in place.tools.items()}, at=place.at)


def _view(gate: RoleGate) -> GateView:
    used = [row for row in gate.rows if row.in_use]
    at = ORDER.index(gate.tier)
    return GateView(
        gate=gate,
        rows=tuple(RowView(row, tuple(_control(row, control) for control in row.controls)) for row in gate.rows),
        role_title=title(gate.role),
        tier_words=TIER_WORDS[gate.tier],
        missing=sum(len(row.missing) for row in used),
        waived=sum(control.waived_by is not None for row in used for control in row.controls),
        seen=fingerprint(gate.tier),
        up=(ORDER[at + 1], TIER_WORDS[ORDER[at + 1]]) if at + 1 < len(ORDER) else None,
        down=(ORDER[at - 1], TIER_WORDS[ORDER[at - 1]]) if at else None,
    )


def _control(row: Row, control: Control) -> ControlView:
    if not row.in_use:
        return ControlView(control.name, "", "", "")
    if control.met:
        return ControlView(control.name, "passed", control.sentence, control.by)
    if control.waived_by is not None:
        waived = control.waived_by
        words = f"Waived by {waived['by']} until {instant(waived['expires'])} UTC: {waived['reason']}"
        return ControlView(control.name, "skipped", words, f"waivers.{waived['id']}")
    return ControlView(control.name, "denied", f"{control.sentence}{expiries(control)}", "")
