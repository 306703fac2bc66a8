"""The ship gate: what each kind of effect must have before a document may go live, and what of it stands. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from policies.engine.diff.words import title
from policies.engine.plain import effective_mode
from policies.engine.shipgate.controls import CAPABILITIES, Capability, ControlType
from policies.engine.shipgate.model import Control, RoleGate, Row, Waiver
from policies.engine.shipgate.scene import Scene
from policies.engine.types import ToolFacts
from policies.engine.windows import instant

__all__ = ["CAPABILITIES", "Control", "RoleGate", "Row", "assess", "blocking", "expiries", "unexpired"]


def assess(plain: Mapping[str, Any], tools: Mapping[str, ToolFacts], *, at: datetime) -> tuple[RoleGate, ...]:
    """The table for every role of a document, at a time: a waiver that has expired waives nothing."""
    return tuple(_role(plain, name, tools, at) for name in sorted(plain["roles"]))


def blocking(gates: tuple[RoleGate, ...]) -> tuple[tuple[str, str], ...]:
    """What keeps the document from being published: role and sentence of each control that neither stands nor is waived."""
    return tuple(
        (gate.role, f"{title(gate.role)}, {control.name} ({control.key}): {control.sentence}{expiries(control)}")
        for gate in gates
        for row in gate.rows
        for control in row.missing
    )


def unexpired(plain: Mapping[str, Any], *, at: datetime) -> tuple[Waiver, ...]:
    """The document's waivers in force."""
    return tuple(waiver for waiver in plain.get("waivers") or () if _in_force(waiver, at))


def expiries(control: Control) -> str:
    """Which waivers stood for it and when they ended, as sentences to put behind another."""
    return "".join(f" Waiver {waiver['id']} expired {waiver['expires']}." for waiver in control.expired)


def _in_force(waiver: Waiver, at: datetime) -> bool:
    try:
        return at < instant(waiver["expires"])
    except ValueError:  # A time that no calendar has waives nothing.
        return False


def _role(plain: Mapping[str, Any], name: str, tools: Mapping[str, ToolFacts], at: datetime) -> RoleGate:
    role = plain["roles"][name]
    on = [tools[tool] for tool in sorted(role["tools"]) if tool in tools and _is_on(role, tools[tool])]
    unknown = tuple(sorted(set(role["tools"]) - set(tools)))
    rows = (_row(Scene(plain, name, _of(on, kind.effect_class)), kind, at) for kind in CAPABILITIES)
    return RoleGate(name, role["tier"], tuple(rows), unknown)


def _is_on(role: Mapping[str, Any], tool: ToolFacts) -> bool:
    return effective_mode(role, tool.name, tool.effect_class) != "off"


def _of(tools: list[ToolFacts], effect_class: str) -> tuple[ToolFacts, ...]:
    return tuple(tool for tool in tools if tool.effect_class == effect_class)


def _row(scene: Scene, kind: Capability, at: datetime) -> Row:
    names = tuple(tool.name for tool in scene.tools)
    controls = tuple(_control(scene, control, at) for control in kind.controls)
    return Row(kind.effect_class, kind.name, kind.touches, kind.default_mode, names, controls)


def _control(scene: Scene, kind: ControlType, at: datetime) -> Control:
    found = kind.check(scene)
    if found.met:
        return Control(kind.key, kind.name, True, found.by, found.sentence)
    named = [waiver for waiver in scene.document.get("waivers") or () if _is_for(waiver, kind.key, scene.name)]
    holding = next((waiver for waiver in named if _in_force(waiver, at)), None)
    expired = tuple(waiver for waiver in named if not _in_force(waiver, at))
    return Control(kind.key, kind.name, False, "", found.sentence, holding, expired)


def _is_for(waiver: Waiver, control: str, role: str) -> bool:
    return bool(waiver["control"] == control and waiver.get("role", role) == role)
