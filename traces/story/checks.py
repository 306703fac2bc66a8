"""The policy checks section: denied and escalated first, each with rule, value and threshold. Pure."""

from typing import Any

from traces.story.facts import TraceFacts

_ORDER = {"denied": 0, "escalated": 1, "passed": 2}


def rows(facts: TraceFacts) -> list[dict[str, Any]]:
    """Every check of every action, worst first, then by step."""
    if facts.checked is None:
        facts.checked = _rows(facts)
    return facts.checked


def _rows(facts: TraceFacts) -> list[dict[str, Any]]:
    found = [
        {
            **check,
            "ref": f"check-{action.step}-{check['rule']}",
            "step_n": action.step,
            "tool": action.tool.get("name", ""),
        }
        for action in facts.in_order
        for check in action.checks
    ]
    return sorted(found, key=lambda row: (_ORDER.get(row["outcome"], 0), row["step_n"]))


def denied_count(facts: TraceFacts) -> int:
    """How many checks said no."""
    return sum(row["outcome"] == "denied" for row in rows(facts))
