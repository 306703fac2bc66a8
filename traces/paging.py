"""Pages of 50 that go on from the last row rather than count from the first: of traces and of actions, newest first."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model, Q, QuerySet

from traces.canonical import instant, parse_instant

PAGE = 50
_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)~([a-z]{3}_[0-9A-Z]{26})")


class Placed(Protocol):
    """A row with a place in time."""

    pk: str
    created_at: datetime


Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and whether newer and older ones exist."""

    rows: list[Row]
    newer: bool
    older: bool


def page_of(found: QuerySet[Row], query: Mapping[str, Any]) -> Page[Row]:
    """The page after or before the place that stands in a query string. A place that says nothing begins anew."""
    after, before = _read(query, "after"), _read(query, "before")
    if before and not after:
        at, key = before
        newer = found.filter(created_at__gte=at).exclude(created_at=at, pk__lte=key)
        rows = list(newer.order_by("created_at", "pk")[: PAGE + 1])
        return Page(rows[:PAGE][::-1], len(rows) > PAGE, True)
    if after:
        at, key = after
        found = found.filter(created_at__lte=at).exclude(Q(created_at=at) & Q(pk__gte=key))
    rows = list(found.order_by("-created_at", "-pk")[: PAGE + 1])
    return Page(rows[:PAGE], bool(after and rows), len(rows) > PAGE)


def place(row: Placed) -> str:
    """Where a row stands, for the address of the page after or before it."""
    return f"{instant(row.created_at)}~{row.pk}"


def _read(query: Mapping[str, Any], name: str) -> tuple[datetime, str] | None:
    found = _PLACE.fullmatch(str(query.get(name, "")))
    try:
        return (parse_instant(found[1]), found[2]) if found else None
    except ValueError:
        return None
