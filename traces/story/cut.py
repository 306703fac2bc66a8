"""A story of a ledger that holds only up to some record: it claims nothing of what came after. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from traces.story.brief import Line
from traces.story.build import Story

_OPEN_ENDED = {"What changed", "Can it be undone?"}
_UNSETTLED = {"state_text": "Proposed. What became of it is not known.", "unchanged": False}


def cut_short(story: Story, held: int) -> Story:
    """What is told stands as far as record `held`; what changed later, or can be undone, nobody can say from this ledger."""
    as_far = f"The ledger holds only up to record {held}"
    return replace(
        story,
        title=f"As far as record {held}: {story.title[:1].lower()}{story.title[1:]}",
        cut=held,
        todos=[],
        steps=[{**step, "result": _not_known(step["result"])} for step in story.steps],
        changes=[record if record["happened"] else {**record, **_UNSETTLED} for record in story.changes],
        answers=[
            {**each, "value": "Not known", "detail": as_far} if each["label"] in _OPEN_ENDED else each
            for each in story.answers
        ],
        brief=[
            Line(line.question, f"Not known. {as_far}.") if line.question in _OPEN_ENDED else line
            for line in story.brief
        ],
    )


def _not_known(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What waited or ran at the last record that holds may have ended since."""
    return (
        {**result, "status": "unknown", "text": "Not known"} if result["status"] in {"waiting", "running"} else result
    )
