"""Spans of time a freeze holds: once, or every week. All times are UTC. Pure: the instant is given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from policies.engine.schema import DAYS

_WEEK = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Once:
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    def end_of(self, at: datetime) -> datetime | None:
        """When the window that holds `at` ends; None outside it."""
        return self.end if self.start <= at < self.end else None


@dataclass(frozen=True, slots=True)
class Weekly:
    """On each of `days` (0 is Monday) from `start` for `minutes`; over midnight where it is longer than the day."""

    days: tuple[int, ...]
    start: time
    minutes: int

    def end_of(self, at: datetime) -> datetime | None:
        """When the window that holds `at` ends; None outside it. Raises ValueError for a time without a zone."""
        if at.tzinfo is None:
            raise ValueError("A time without a zone.")
        at = at.astimezone(UTC)
        for back in (0, 1):
            day = at.date() - timedelta(days=back)
            if day.weekday() in self.days:
                begins = datetime.combine(day, self.start, UTC)
                ends = begins + timedelta(minutes=self.minutes)
                if begins <= at < ends:
                    return ends
        return None


Window = Once | Weekly


def instant(text: str) -> datetime:
    """`2026-11-21T08:00Z` as a time. Raises ValueError for a day or hour that does not exist."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def window(data: Mapping[str, Any]) -> Window:
    """The window of a freeze. Raises ValueError with a sentence."""
    if "from" in data:
        try:
            found = Once(instant(data["from"]), instant(data["until"]))
        except ValueError as error:
            raise ValueError(f"This is no time: {error}. Write UTC as 2026-11-21T08:00Z.") from error
        if found.start >= found.end:
            raise ValueError("It ends before it starts. Swap from and until.")
        return found
    start, end = time.fromisoformat(data["start"]), time.fromisoformat(data["end"])
    minutes = (_minute(end) - _minute(start)) % (24 * 60) or 24 * 60
    return Weekly(tuple(sorted(DAYS.index(day) for day in data["days"])), start, minutes)


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def clashes(windows: Sequence[Window]) -> Iterator[tuple[int, int]]:
    """Numbers of windows of the same kind that share an instant, each later one once, with one that it meets.

    Windows of different kinds are meant to. Takes time that grows with the number of windows, not with its square.
    """
    for kind in (Once, Weekly):
        spans = sorted(
            span for number, one in enumerate(windows) if isinstance(one, kind) for span in _spans(one, number)
        )
        latest: tuple[Any, int] | None = None
        found: dict[int, int] = {}
        for start, end, number in spans:
            if latest is not None and start < latest[0] and latest[1] != number:
                found.setdefault(max(number, latest[1]), min(number, latest[1]))
            if latest is None or end > latest[0]:
                latest = (end, number)
        yield from sorted(found.items())


def _spans(window: Window, number: int) -> Iterator[tuple[Any, Any, int]]:
    """A window as spans from, up to; minutes of the week for a weekly one, cut where the week ends."""
    if isinstance(window, Once):
        yield window.start, window.end, number
        return
    for day in window.days:
        begins = day * 24 * 60 + _minute(window.start)
        yield begins, min(begins + window.minutes, _WEEK), number
        if begins + window.minutes > _WEEK:
            yield 0, begins + window.minutes - _WEEK, number
