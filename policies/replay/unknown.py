"""What a replay could not decide, in words: of which tool, how many, why, and which figures are lower bounds by it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.engine.diff.words import join

# What an action would become -> the figure that counts it.
FIGURES = {"allow": "newly_allowed", "draft": "newly_draft", "approval": "newly_waiting"}
_BECOMES = {"allow": "newly allowed", "draft": "a draft", "approval": "waiting for approval"}


@dataclass(frozen=True, slots=True)
class Unknown:
    """Past actions of one tool that could not be decided alike, and why."""

    tool: str
    count: int
    why: str


def unknowns_of(result: Mapping[str, Any]) -> tuple[Unknown, ...]:
    """By tool, most frequent first; then the records that cannot be read."""
    untested = [Unknown(item["tool"], item["count"], _why(item)) for item in result.get("untested_by_tool", ())]
    broken = sorted(result.get("unreadable_by_tool", {}).items(), key=lambda item: (-item[1], item[0]))
    why = "The record of what was asked cannot be read, so it counts as denied."
    return (*untested, *(Unknown(tool, count, why) for tool, count in broken))


def _why(item: Mapping[str, Any]) -> str:
    looks = "would have to look at a target that was never read"
    return f"{join(item['rules'])} {looks}. Where it passes, the action is {_BECOMES[item['to']]}."


def at_least(result: Mapping[str, Any]) -> frozenset[str]:
    """The figures that are lower bounds: what could not be decided may belong to them."""
    return frozenset(FIGURES[item["to"]] for item in result.get("untested_by_tool", ()))


def unknown_text(result: Mapping[str, Any]) -> str:
    """How many could not be decided, and what that means for the figures; empty where all could be."""
    untested, unreadable = int(result.get("untested", 0)), int(result.get("unreadable", 0))
    found = []
    if untested:
        bounds = join(_BECOMES[to] for to, name in FIGURES.items() if name in at_least(result))
        one = untested == 1
        found.append(
            f"{untested:,} past {'action' if one else 'actions'} could not be decided: {'its' if one else 'their'} target was "
            f"never read, because the tool was off then. So the {'figure' if len(at_least(result)) == 1 else 'figures'} for "
            f"{bounds} {'is a lower bound' if len(at_least(result)) == 1 else 'are lower bounds'}."
        )
    if unreadable:
        found.append(f"{unreadable:,} could not be read and count as denied, as every error does.")
    return " ".join(found)
