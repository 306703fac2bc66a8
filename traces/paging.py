"""Pages of 50 that go on from the last row rather than count from the first: of traces and of actions, newest first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model, Q, QuerySet

from traces.canonical import instant, parse_instant

PAGE = 50
# Beyond so many a list says only that there are more.
MOST_COUNTED = 1_000
_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)~([a-z]{3}_[0-9A-Z]{26})")


class Placed(Protocol):
    """A row with a place in time."""

    pk: str
    created_at: datetime


Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Walk(Generic[Row]):
    """Rows as one index has them in order: by time and then by key, which stand in these columns.

    `whole` is what they are a part of, where a row is looked up by its key.
    """

    rows: QuerySet[Row]
    whole: QuerySet[Row]
    at: str = "created_at"
    key: str = "pk"

    def between(self, since: datetime | None, until: datetime | None) -> "Walk[Row]":
        """Those of a window, both ends with it."""
        ends = [(f"{self.at}__gte", since), (f"{self.at}__lte", until)]
        return replace(self, rows=self.rows.filter(*[Q(end) for end in ends if end[1] is not None]))

    def older(self, than: tuple[datetime, str] | None, most: int) -> QuerySet[Row]:
        """The newest before a place, newest first."""
        found = self._beyond("lt", than) if than else self.rows
        return found.order_by(f"-{self.at}", f"-{self.key}")[:most]

    def newer(self, than: tuple[datetime, str], most: int) -> QuerySet[Row]:
        """The oldest after a place, oldest first."""
        return self._beyond("gt", than).order_by(self.at, self.key)[:most]

    def _beyond(self, side: str, place: tuple[datetime, str]) -> QuerySet[Row]:
        at, key = place
        # The first condition is where the index begins; the second tells rows of the same instant apart.
        beyond = Q((f"{self.at}__{side}", at)) | Q((self.at, at), (f"{self.key}__{side}", key))
        return self.rows.filter(Q((f"{self.at}__{side}e", at)), beyond)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and whether newer and older ones exist."""

    rows: list[Row]
    newer: bool
    older: bool


def page_of(walks: Sequence[Walk[Row]], query: Mapping[str, Any]) -> Page[Row]:
    """The page after or before the place that stands in a query string. A place that says nothing begins anew.

    Several walks are read as one: what stands in more than one of them is there once.
    """
    after, before = _read(query, "after"), _read(query, "before")
    if before and not after:
        rows = _merged(walks, [walk.newer(before, PAGE + 1) for walk in walks], PAGE + 1, newest_first=False)
        return Page(rows[:PAGE][::-1], len(rows) > PAGE, True)
    rows = newest(walks, PAGE + 1, after)
    return Page(rows[:PAGE], bool(after and rows), len(rows) > PAGE)


def newest(walks: Sequence[Walk[Row]], most: int, after: tuple[datetime, str] | None = None) -> list[Row]:
    """At most so many rows of all walks together, newest first, from a place on."""
    return _merged(walks, [walk.older(after, most) for walk in walks], most, newest_first=True)


def counted(walks: Sequence[Walk[Row]], most: int = MOST_COUNTED) -> str:
    """How many there are, as a list says it: `284`, or `1,000+` where nobody counts further."""
    # In the same order as a page, or else the database looks for the first so many wherever they may be.
    parts = [walk.older(None, most + 1).values_list("pk", flat=True) for walk in walks]
    found = parts[0].count() if len(parts) == 1 else len(set(parts[0].union(*parts[1:])))
    return f"{most:,}+" if found > most else f"{found:,}"


def _merged(walks: Sequence[Walk[Row]], parts: Sequence[QuerySet[Row]], most: int, *, newest_first: bool) -> list[Row]:
    """Rows of all parts in order. Of several the keys are read first, so that no row is read that is not shown."""
    if len(parts) == 1:
        return list(parts[0])
    keys = [part.values_list(walk.at, walk.key) for walk, part in zip(walks, parts, strict=True)]
    chosen = sorted(set(keys[0].union(*keys[1:], all=True)), reverse=newest_first)[:most]
    found = {row.pk: row for row in walks[0].whole.filter(pk__in=[key for _, key in chosen])}
    return [found[key] for _, key in chosen]


def place(row: Placed) -> str:
    """Where a row stands, for the address of the page after or before it."""
    return f"{instant(row.created_at)}~{row.pk}"


def _read(query: Mapping[str, Any], name: str) -> tuple[datetime, str] | None:
    found = _PLACE.fullmatch(str(query.get(name, "")))
    try:
        return (parse_instant(found[1]), found[2]) if found else None
    except ValueError:
        return None
