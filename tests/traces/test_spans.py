"""Waiting is counted once where several wait at the same time."""

from datetime import UTC, datetime, timedelta

from traces.spans import union_s

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def span(begin: int, end: int):
    return NOON + timedelta(seconds=begin), NOON + timedelta(seconds=end)


def test_overlapping_spans_count_once_and_gaps_not_at_all():
    assert union_s([]) == 0
    assert union_s([span(0, 10)]) == 10
    assert union_s([span(20, 30), span(0, 10)]) == 20
    assert union_s([span(0, 10), span(5, 15), span(6, 7)]) == 15
    assert union_s([span(0, 30), span(5, 6), span(10, 40)]) == 40
    assert union_s([span(0, 10), span(0, 10), span(10, 12)]) == 12
