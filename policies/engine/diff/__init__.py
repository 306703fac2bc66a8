"""The semantic difference of two policy documents: each change with its direction, and the verdict. Pure.

INVARIANT: what is not understood counts as loosening. A verdict of `tightens` or `same` means no request may get a weaker
decision than before; tests/policies/test_diff_oracle.py holds that against the engine itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.diff.items import compare_items
from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS, Change, Diff, verdict
from policies.engine.diff.redactions import compare_redactions
from policies.engine.diff.roles import compare_policy, compare_roles
from policies.engine.diff.routes import compare_routes
from policies.engine.diff.rules import BREAKERS, DEMOTIONS, FREEZES, INVARIANTS, TESTS, WAIVERS, limits_kind
from policies.engine.diff.tools import Sides
from policies.engine.plain import effective_mode
from policies.engine.types import ToolFacts

__all__ = ["LOOSENS", "NEUTRAL", "TIGHTENS", "Change", "Diff", "cells", "compare"]

_SECTIONS = frozenset(
    {
        "policy",
        "roles",
        "routes",
        "redact",
        "limits",
        "invariants",
        "freezes",
        "breakers",
        "demotions",
        "waivers",
        "tests",
    }
)


def compare(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], tools: Mapping[str, ToolFacts] | None = None
) -> Diff:
    """What changes from `old` to `new`, plain values that satisfy the schema; None where there is no version yet.

    `tools` says the effect class of each tool, so that a tier's change is told tool by tool.
    """
    before = {"policy": new["policy"], "roles": {}} if old is None else old
    changes = tuple(_changes(before, new, tools or {}))
    return Diff("first" if old is None else verdict(changes), changes)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], tools: Mapping[str, ToolFacts]) -> Iterator[Change]:
    yield from compare_policy(old, new)
    yield from compare_roles(Sides(old, new, tools))
    yield from compare_items(INVARIANTS, old, new)
    yield from compare_items(limits_kind(old, new), old, new)
    yield from compare_routes(old, new)
    for kind in (BREAKERS, DEMOTIONS, FREEZES):
        yield from compare_items(kind, old, new)
    yield from compare_redactions(old, new)
    for kind in (WAIVERS, TESTS):
        yield from compare_items(kind, old, new)
    for section in sorted({*old, *new} - _SECTIONS):
        if old.get(section) != new.get(section):
            why = "What this section does is not known to the comparison."
            label = f"Section {section} changes."
            yield Change((section,), section, label, old.get(section), new.get(section), LOOSENS, why)


def cells(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], tools: Mapping[str, ToolFacts]
) -> dict[tuple[str, str], tuple[str, str]]:
    """The tier matrix: (role, tool) -> the effective mode before and after, for every role of either and every tool."""
    before, after = (old or {"roles": {}})["roles"], new["roles"]
    nobody = {"tier": "read-only", "tools": {}}
    return {
        (role, name): (
            effective_mode(before.get(role, nobody), name, facts.effect_class),
            effective_mode(after.get(role, nobody), name, facts.effect_class),
        )
        for role in sorted({*before, *after})
        for name, facts in tools.items()
    }
