"""The period that numbers are of, and the one of the same length before it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

PERIODS = {"7": "7 days", "14": "14 days", "30": "30 days", "90": "90 days"}
DEFAULT = "14"


@dataclass(frozen=True, slots=True)
class Span:
    """From `start`, up to and without `end`."""

    start: datetime
    end: datetime

    @classmethod
    def up_to(cls, now: datetime, days: str) -> "Span":
        """The last days up to now; an unknown number is the default."""
        return cls(now - timedelta(days=int(days if days in PERIODS else DEFAULT)), now)

    @property
    def before(self) -> "Span":
        """As long, and ended where this one begins."""
        return Span(self.start - (self.end - self.start), self.start)

    def of(self, day: date) -> "Span":
        """The part of one day (UTC) that lies in it; nothing where the day does not."""
        if day not in self.days:  # Also the last day there is, after which no other begins.
            return Span(self.start, self.start)
        begins = datetime.combine(day, time(), UTC)
        return Span(max(self.start, begins), max(self.start, min(self.end, begins + timedelta(days=1))))

    @property
    def within(self) -> Mapping[str, datetime]:
        """As a filter on a column called `at`."""
        return self.on("at")

    def on(self, column: str) -> Mapping[str, datetime]:
        """As a filter on a column."""
        return {f"{column}__gte": self.start, f"{column}__lt": self.end}

    @property
    def days(self) -> list[date]:
        """Every day (UTC) that lies in it, the oldest first."""
        first, last = self.start.astimezone(UTC).date(), self.end.astimezone(UTC).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def by_day(self, times: Iterable[datetime]) -> list[int]:
        """How many of these times lie in each of its days."""
        counts = dict.fromkeys(self.days, 0)
        for at in times:
            day = at.astimezone(UTC).date()
            if day in counts:
                counts[day] += 1
        return list(counts.values())
