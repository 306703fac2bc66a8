"""What a comparison gives: single changes, each with the direction it pushes, and the verdict they add up to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TIGHTENS, LOOSENS, NEUTRAL = "tightens", "loosens", "neutral"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two documents.

    `path` names the rule: what stands in a list is named by its id. `label` is a sentence for people; `old` and `new` are
    the values it compares, None where there is none. `effect` is tightens, loosens or neutral; `why` is a sentence.
    """

    path: tuple[str, ...]
    section: str
    label: str
    old: Any
    new: Any
    effect: str
    why: str


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes. `verdict` is first, same, tightens, loosens or mixed; same: nothing an agent may do differs."""

    verdict: str
    changes: tuple[Change, ...]

    @property
    def loosening(self) -> tuple[Change, ...]:
        """The changes that allow more, or that cannot be shown not to."""
        return tuple(change for change in self.changes if change.effect == LOOSENS)

    @property
    def tightening(self) -> tuple[Change, ...]:
        """The changes that allow less."""
        return tuple(change for change in self.changes if change.effect == TIGHTENS)


def verdict(changes: Iterable[Change]) -> str:
    """The directions of all changes together."""
    effects = {change.effect for change in changes} - {NEUTRAL}
    if effects == {TIGHTENS, LOOSENS}:
        return "mixed"
    return effects.pop() if effects else "same"
