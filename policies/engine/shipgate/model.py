"""What the ship gate says: per role, the five capability rows, each with its controls and whether they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Waiver = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Control:
    """One non-negotiable control for one role.

    `by` is the rule path that meets it, or `built in: …`, empty where nothing does. `waived_by` is the waiver in force
    for a control that is not met; `expired` are waivers that were for it and no longer hold.
    """

    key: str
    name: str
    met: bool
    by: str
    sentence: str
    waived_by: Waiver | None = None
    expired: tuple[Waiver, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether it is met, or waived by name."""
        return self.met or self.waived_by is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One capability. `tools` are the role's tools of its effect class that are not off; `in_use` when there are any."""

    effect_class: str
    capability: str
    touches: str
    default_mode: str
    tools: tuple[str, ...]
    controls: tuple[Control, ...]

    @property
    def in_use(self) -> bool:
        """Whether the role can do any of it."""
        return bool(self.tools)

    @property
    def missing(self) -> tuple[Control, ...]:
        """The controls that keep it from being published: only those of a row in use count."""
        return tuple(control for control in self.controls if self.in_use and not control.stands)


@dataclass(frozen=True, slots=True)
class RoleGate:
    """The table for one role. `unknown_tools` are listed tools the workspace does not have, so no row counts them."""

    role: str
    tier: str
    rows: tuple[Row, ...]
    unknown_tools: tuple[str, ...]
