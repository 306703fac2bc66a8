"""A story as the person it is for reads it by a link: what is not theirs to see is taken out, named and counted. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from traces.story import Story

UNSHOWN = [("Details", "not shown here")]
# What a system answered beyond what policy lists: it counts once, as withheld by policy.
UNLISTED = "unlisted field"


@dataclass(frozen=True, slots=True)
class Hidden:
    """One kind of thing that is not shown: how many, and what."""

    count: int
    what: str


def for_asker(story: Story) -> Story:
    """Without doors into the console, pages of systems of record, credentials and raw entries."""
    return replace(
        story,
        tabs=[tab for tab in story.tabs if tab.key != "events"],
        plans=[{**plan, "id": ""} for plan in story.plans],
        steps=[{**step, "moved": False} for step in story.steps],
        changes=[{**record, "link_url": ""} for record in story.changes],
        calls=[{**call, "credential": UNSHOWN if call["credential"] else []} for call in story.calls],
        joins=[{**join, "trace": ""} for join in story.joins],
        rolled_back_by=[],
    )


def hidden_in(story: Story, *, entries: int) -> list[Hidden]:
    """What the page leaves out of a whole story: redacted and withheld values first, then what is for auditors."""
    kinds = Counter(kind for part in (story.changes, story.calls) for kind in _withheld(part))
    redacted = [Hidden(count, f"redacted: {kind}") for kind, count in sorted(kinds.items()) if kind != UNLISTED]
    return [*redacted, *(found for found in [*_by_policy(story.calls), *_for_auditors(story, entries)] if found.count)]


def _withheld(item: Any) -> Iterator[str]:
    """The kind of every withheld value inside."""
    if isinstance(item, Mapping):
        if "$withheld" in item:
            yield str(item["$withheld"])
        else:
            for value in item.values():
                yield from _withheld(value)
    elif isinstance(item, list | tuple):
        for value in item:
            yield from _withheld(value)


def _by_policy(calls: Sequence[Mapping[str, Any]]) -> list[Hidden]:
    """What the policy let the agent not read; it is in nobody's page."""
    fields = sum(max(len(call["withheld"]), list(_withheld(call)).count(UNLISTED)) for call in calls)
    masked = sum(len(call["masked"]) for call in calls)
    rows = sum(call["rows_withheld"] for call in calls)
    return [
        Hidden(fields, "withheld from the agent by its policy"),
        Hidden(masked, "masked for the agent by its policy"),
        Hidden(rows, "out of scope, withheld from the agent"),
    ]


def _for_auditors(story: Story, entries: int) -> list[Hidden]:
    credentials = sum(bool(call["credential"]) for call in story.calls)
    return [Hidden(credentials, "the agent’s credentials"), Hidden(entries, "the ledger’s entries as hashed")]
