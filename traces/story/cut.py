"""A story of a ledger that holds only up to some record: it claims nothing of what came after. Pure."""

from dataclasses import replace

from traces.story.brief import Line
from traces.story.build import Story

_OPEN_ENDED = {"What changed", "Can it be undone?"}


def cut_short(story: Story, held: int) -> Story:
    """What is told stands as far as record `held`; what changed later, or can be undone, nobody can say from this ledger."""
    as_far = f"The ledger holds only up to record {held}"
    return replace(
        story,
        title=f"As far as record {held}: {story.title[:1].lower()}{story.title[1:]}",
        cut=held,
        todos=[],
        answers=[
            {**each, "value": "Not known", "detail": as_far} if each["label"] in _OPEN_ENDED else each
            for each in story.answers
        ],
        brief=[
            Line(line.question, f"Not known. {as_far}.") if line.question in _OPEN_ENDED else line
            for line in story.brief
        ],
    )
