"""What a replay says of the people who decide: per route, approvals a day and the queue they make. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Load:
    """One route: approvals a day and requests that wait at once, as they were and as they would be."""

    route: str
    before: float
    after: float
    queue_before: float | None
    queue: float | None
    median_wait_s: int | None
    p90_wait_s: int | None

    @property
    def text(self) -> str:
        """`6.9 a day more, about 0.2 wait at once`."""
        added = self.after - self.before
        moved = f"{abs(added):.1f} a day {'more' if added > 0 else 'fewer'}" if abs(added) >= SMALL else "as many a day"
        return (
            f"{moved}, {'how many wait is not known' if self.queue is None else f'about {self.queue:g} wait at once'}"
        )


SMALL = 0.05


def loads_of(result: Mapping[str, Any]) -> tuple[Load, ...]:
    """Every route that had approvals or would have, in order of its name."""
    return tuple(
        Load(
            name, item["a_day_before"], item["a_day"], item["queue_before"], item["queue"], item["median_wait_s"],
            item["p90_wait_s"],
        )
        for name, item in sorted(result.get("approvals", {}).items())
    )  # fmt: skip


def earlier_text(result: Mapping[str, Any]) -> str:
    """Says when part of the change may be live already; empty where all was decided by the live version."""
    count = int(result.get("earlier", 0))
    if not count:
        return ""
    were, live = "was" if count == 1 else "were", f"v{result['live']}"
    return f"{count:,} of these {were} decided before {live} went live, so what {live} changed is counted too."
