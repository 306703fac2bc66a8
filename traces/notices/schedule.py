"""When a notice goes out: at once, at the end of quiet hours, or with the next digest. Pure; all times are UTC."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """`quiet_days` are the days on which the quiet span begins, Monday is 0; equal ends are a whole day."""

    quiet_from: time | None = None
    quiet_to: time | None = None
    quiet_days: Collection[int] = ()
    urgent_through: bool = True
    digest_min: int = 0

    @property
    def never(self) -> bool:
        """Whether no moment is left to send in."""
        whole_day = self.quiet_from is not None and self.quiet_from == self.quiet_to
        return whole_day and set(self.quiet_days) >= set(range(7))

    def release_at(self, now: datetime, *, urgent: bool) -> datetime:
        """The first moment at or after `now` when it may go out. Raises ValueError when there is none."""
        if self.never:
            raise ValueError("These quiet hours leave no moment to send in.")
        if urgent and self.urgent_through:
            return now
        at = now if urgent or not self.digest_min else self._boundary(now)
        for _ in range(8):  # Whole quiet days may follow one another.
            end = self._quiet_until(at)
            if end is None:
                return at
            at = end
        return at

    def _boundary(self, now: datetime) -> datetime:
        midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        step = timedelta(minutes=self.digest_min)
        return midnight + step * ((now - midnight) // step + 1)

    def _quiet_until(self, at: datetime) -> datetime | None:
        """The end of the quiet span `at` lies in."""
        if self.quiet_from is None or self.quiet_to is None:
            return None
        today = at.astimezone(UTC).date()
        for day in (today - _DAY, today):
            start = datetime.combine(day, self.quiet_from, UTC)
            end = datetime.combine(day, self.quiet_to, UTC)
            end += _DAY if end <= start else timedelta()
            if day.weekday() in self.quiet_days and start <= at < end:
                return end
        return None
