"""Which steps a verdict opens, in order or at the same time: values in, numbers out."""

import pytest

from traces.notices.people import opened_by
from traces.notices.said import stages

ONE, TWO, JOINS = {"quorum": 1}, {"quorum": 2}, {"quorum": 1, "joins": True}


def votes(*steps: int, **last) -> list[dict]:
    """Verdicts in order, all approving one payload; the last one may differ."""
    given = [{"approval": "apr_1", "step": step, "choice": "approve", "saw": "sha256:a"} for step in steps]
    return [*given[:-1], {**given[-1], **last}]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([ONE], [(1,)]),
        ([ONE, ONE], [(1,), (2,)]),
        ([ONE, JOINS, ONE], [(1, 2), (3,)]),
        ([ONE, ONE, JOINS], [(1,), (2, 3)]),
    ],
)
def test_steps_that_join_wait_at_the_same_time(steps, found):
    assert stages(steps) == found


@pytest.mark.parametrize(
    ("steps", "given", "opened"),
    [
        ([ONE, ONE], votes(1), (2,)),
        ([ONE, ONE], votes(1, 2), ()),
        ([ONE, ONE], votes(1, choice="reject"), ()),
        ([TWO, ONE], votes(1), ()),
        ([TWO, ONE], votes(1, 1), (2,)),
        ([TWO, ONE], votes(1, 1, saw="sha256:b"), ()),  # The payload was edited between: the first counts no more.
        ([ONE, JOINS, ONE], votes(1), ()),
        ([ONE, JOINS, ONE], votes(2), ()),
        ([ONE, JOINS, ONE], votes(2, 1), (3,)),
        ([ONE, ONE, JOINS], votes(1), (2, 3)),
    ],
)
def test_the_verdict_that_was_lacking_opens_the_next(steps, given, opened):
    assert opened_by(given[-1], given, steps) == opened
