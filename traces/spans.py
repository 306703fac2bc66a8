"""Spans of time. Pure."""

from collections.abc import Iterable
from datetime import datetime

Span = tuple[datetime, datetime]


def union_s(spans: Iterable[Span]) -> float:
    """Seconds covered by at least one span."""
    total, until = 0.0, None
    for start, end in sorted(spans):
        begin = start if until is None or start > until else until
        total += max((end - begin).total_seconds(), 0.0)
        until = end if until is None or end > until else until
    return total
