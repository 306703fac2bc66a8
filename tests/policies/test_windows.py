"""Windows of freezes, minute by minute against a plain reading, and where two of them meet."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.schema import DAYS
from policies.engine.windows import Once, Weekly, clashes, instant, window

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 1, 29, 30, 59)))
weekly = st.builds(
    lambda days, start, end: {"days": days, "start": start, "end": end},
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True), clocks, clocks,
)  # fmt: skip


def minutes(span) -> set[int]:
    """The minutes of a week that a span covers, each counted out."""
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (span["start"], span["end"]))
    length = end - start if end > start else end - start + 1440
    return {(DAYS.index(day) * 1440 + start + minute) % 10080 for day in span["days"] for minute in range(length)}


@settings(max_examples=60, deadline=None)
@given(weekly, st.lists(st.integers(0, 10079), min_size=20, max_size=20))
def test_a_weekly_window_covers_its_minutes_and_no_other(span, asked):
    covered, found = minutes(span), window(span)
    edges = [minute + step for day in span["days"] for minute in edges_of(span, day) for step in (-1, 0)]
    for minute in (*asked, *(edge % 10080 for edge in edges)):
        for second in (0, 59):
            at = MONDAY + timedelta(minutes=minute, seconds=second)
            assert (found.end_of(at) is not None) == (minute in covered), (span, at)


def edges_of(span, day):
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (span["start"], span["end"]))
    return DAYS.index(day) * 1440 + start, DAYS.index(day) * 1440 + end


@settings(max_examples=60, deadline=None)
@given(weekly, st.integers(0, 10079))
def test_the_end_of_a_weekly_window_is_the_first_minute_after_it(span, minute):
    found, at = window(span), MONDAY + timedelta(minutes=minute)
    ends = found.end_of(at)
    if ends is not None:
        lasts = timedelta(minutes=found.minutes)
        assert at < ends <= at + lasts and found.start == (ends - lasts).time()
        assert f"{ends:%H:%M}" == span["end"]


@settings(max_examples=200, deadline=None)
@given(st.lists(weekly, min_size=2, max_size=4))
def test_weekly_windows_clash_exactly_where_they_share_a_minute(spans):
    covered = [minutes(span) for span in spans]
    meets = {number for number in range(len(spans)) if any(covered[number] & covered[other] for other in range(number))}
    found = list(clashes([window(span) for span in spans]))
    assert all(covered[later] & covered[earlier] and earlier < later for later, earlier in found)
    assert bool(found) == bool(meets) and {later for later, _ in found} <= meets


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), min_size=2, max_size=5))
def test_spans_clash_exactly_where_they_share_an_instant(spans):
    found = list(
        clashes([Once(MONDAY + timedelta(hours=at), MONDAY + timedelta(hours=at + long)) for at, long in spans])
    )
    shared = [set(range(at, at + long)) for at, long in spans]
    meets = {number for number in range(len(spans)) if any(shared[number] & shared[other] for other in range(number))}
    assert all(shared[later] & shared[earlier] and earlier < later for later, earlier in found)
    assert bool(found) == bool(meets) and {later for later, _ in found} <= meets
    assert len(found) == len({later for later, _ in found})


def test_windows_of_different_kinds_never_clash():
    assert list(clashes([Once(MONDAY, MONDAY + timedelta(days=7)), Weekly((0,), time(0), 1440)])) == []
    assert list(clashes([])) == [] == list(clashes([Weekly(tuple(range(7)), time(0), 1440)]))


def test_a_week_of_whole_days_touches_but_does_not_clash():
    days = [Weekly((day,), time(0), 1440) for day in range(7)]
    assert list(clashes(days)) == []
    assert list(clashes([*days, Weekly((6,), time(23, 59), 1)])) == [(7, 6)]
    assert list(clashes([Weekly((0,), time(0), 1), Weekly((6,), time(12), 721)])) == [(1, 0)]
    assert list(clashes([Weekly((0,), time(0), 1), Weekly((6,), time(12), 720)])) == []


def test_a_span_holds_from_its_start_up_to_its_end():
    span = window({"from": "2026-03-02T00:00Z", "until": "2026-03-02T00:01Z"})
    end = MONDAY + timedelta(minutes=1)
    assert span.end_of(MONDAY) == end and span.end_of(end - timedelta(microseconds=1)) == end
    assert span.end_of(end) is None and span.end_of(MONDAY - timedelta(microseconds=1)) is None


def test_another_zone_is_the_same_instant():
    night = window({"days": ["sun"], "start": "22:00", "end": "02:00"})
    inside = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert (
        night.end_of(inside)
        == night.end_of(inside.astimezone(timezone(timedelta(hours=9))))
        == MONDAY + timedelta(hours=2)
    )
    outside = datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=9)))
    assert night.end_of(outside) is None


def test_a_time_without_a_zone_is_no_instant():
    naive = datetime(2026, 3, 2, 12, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="without a zone"):
        window({"days": ["sun"], "start": "22:00", "end": "02:00"}).end_of(naive)
    with pytest.raises(TypeError):
        window({"from": "2026-03-02T00:00Z", "until": "2026-03-03T00:00Z"}).end_of(naive)


@pytest.mark.parametrize(
    ("start", "end", "length"),
    [
        ("00:00", "00:00", 1440),
        ("00:00", "00:01", 1),
        ("00:01", "00:00", 1439),
        ("23:59", "00:00", 1),
        ("12:30", "12:29", 1439),
    ],
)
def test_length_of_a_weekly_window(start, end, length):
    assert window({"days": ["tue", "mon"], "start": start, "end": end}) == Weekly(
        (0, 1), time.fromisoformat(start), length
    )


@pytest.mark.parametrize(
    ("start", "until", "words"),
    [
        (
            "2026-02-30T00:00Z",
            "2026-03-01T00:00Z",
            "This is no time: day is out of range for month. Write UTC as 2026-11-21T08:00Z.",
        ),
        (
            "2026-03-01T00:00Z",
            "2026-03-01T00:60Z",
            "This is no time: minute must be in 0..59. Write UTC as 2026-11-21T08:00Z.",
        ),
        ("2026-03-01T00:00Z", "2026-03-01T00:00Z", "It ends before it starts. Swap from and until."),
        ("2026-03-01T00:00:01Z", "2026-03-01T00:00Z", "It ends before it starts. Swap from and until."),
    ],
)
def test_a_span_that_is_none(start, until, words):
    with pytest.raises(ValueError) as caught:
        window({"from": start, "until": until})
    assert str(caught.value) == words


def test_instants_are_utc():
    assert instant("2026-11-21T08:00Z") == datetime(2026, 11, 21, 8, tzinfo=UTC) == instant("2026-11-21T08:00:00Z")
    assert instant("2026-11-21T08:00:01Z") - instant("2026-11-21T08:00Z") == timedelta(seconds=1)
