"""What two sequences of words or lines have in common, in bounded time. Pure.

An agent chooses one of them, and comparing `a a a a` with itself takes the square of its length: a page nobody can open is a
page nobody can decide on.
"""

import difflib
from collections import Counter
from collections.abc import Sequence

# Pairs of equal parts looked at, and parts between the first difference and the last: under half a second.
MOST_PAIRS = 200_000
MOST_PARTS = 2_000
# `(tag, i1, i2, j1, j2)` as difflib has them; tag is equal, replace, delete or insert.
Steps = list[tuple[str, int, int, int, int]]


def compared(before: Sequence[str], after: Sequence[str]) -> Steps | None:
    """How one becomes the other; None where finding that out would take too long."""
    head, tail = _alike(before, after)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if max(len(old), len(new)) > MOST_PARTS or _pairs(old, new) > MOST_PAIRS:
        return None
    found = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    middle: Steps = [(tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in found]
    return _around(middle, len(before), len(after), head, tail)


def replaced(before: Sequence[str], after: Sequence[str]) -> Steps:
    """The same without looking inside: what stands between the first difference and the last is another whole."""
    head, tail = _alike(before, after)
    middle: Steps = [("replace", head, len(before) - tail, head, len(after) - tail)]
    return _around(middle, len(before), len(after), head, tail)


def _around(middle: Steps, before: int, after: int, head: int, tail: int) -> Steps:
    first: Steps = [("equal", 0, head, 0, head)] if head else []
    last: Steps = [("equal", before - tail, before, after - tail, after)] if tail else []
    return [*first, *middle, *last]


def _alike(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many parts both begin with, and how many of the others both end with."""
    most = min(len(before), len(after))
    head = next((n for n in range(most) if before[n] != after[n]), most)
    rest = most - head
    return head, next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    counts = Counter(new)
    return sum(counts[part] for part in old)
