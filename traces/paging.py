"""Pages of 50 that go on from the last row rather than count from the first: of traces and of actions, newest first.

A page costs the same however many rows there are. Where an index has its rows in order and something more is asked of each, it
reads a stretch of so many, and says where that ended: the next page goes on there.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.expressions import RawSQL

from traces.canonical import instant, parse_instant
from traces.reading import FREE, GATHERED, IN_ORDER, prefer, reading

PAGE = 50
# Beyond so many a list says only that there are more.
MOST_COUNTED = 1_000
# A count reads this part of the stretch that a page reads, and of more walks than so many no more than the page did.
COUNTED, MOST_WALKS = 4, 5
_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)~([a-z]{3}_[0-9A-Z]{26})")
# Keys before and behind every other of the same instant.
LOWEST, HIGHEST = "aaa_" + "0" * 26, "zzz_" + "Z" * 26

# One of the texts of a walk: the database plans for all of them at once what differs in nothing else.
NAMED = RawSQL("named.text", [])

Place = tuple[datetime, str]


class Placed(Protocol):
    """A row with a place in time."""

    pk: str
    created_at: datetime


Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Walk(Generic[Row]):
    """Rows as one index has them in order: by time and then by key, which stand in these columns.

    `given` is what holds of that index's own columns: all of it in one filter, or else Django joins its table once for each.
    `whole` is what they are a part of, where a row is looked up by its key, and no more than visible. `lane` is what that index
    has, where more than it knows is asked of each row, and `reach` how many of the lane one page looks at; without a lane each
    row read is shown. With `texts` it is read once for each of them, which stands for NAMED in its rows.
    """

    rows: QuerySet[Row]
    whole: QuerySet[Row]
    at: str = "created_at"
    key: str = "pk"
    given: tuple[Q, ...] = ()
    lane: QuerySet[Any] | None = None
    reach: int = 20_000
    texts: tuple[str, ...] = ()

    def between(self, since: datetime | None, until: datetime | None) -> "Walk[Row]":
        """Those of a window, both ends with it."""
        ends = [(f"{self.at}__gte", since), (f"{self.at}__lte", until)]
        return replace(self, given=(*self.given, *(Q(end) for end in ends if end[1] is not None)))

    def beyond(self, place: Place | None, most: int, *, older: bool = True) -> QuerySet[Row]:
        """The first so many from a place on: the newest before it, newest first, or the oldest after it, oldest first."""
        sign = "-" if older else ""
        return self.all_from(place, older=older).order_by(f"{sign}{self.at}", f"{sign}{self.key}")[:most]

    def all_from(self, place: Place | None, *, older: bool = True) -> QuerySet[Row]:
        """All from a place on, in no order."""
        return self.rows.filter(*self.given, *(self._from("lt" if older else "gt", place) if place else ()))

    def _from(self, side: str, place: Place) -> tuple[Q, Q]:
        at, key = place
        # The first condition is where the index begins; the second tells rows of the same instant apart.
        beyond = Q((f"{self.at}__{side}", at)) | Q((self.at, at), (f"{self.key}__{side}", key))
        return Q((f"{self.at}__{side}e", at)), beyond


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Row]):
    """What of a list is read at once: all from a place on, or as far as `end`, and the ways of reading it is not read by.

    `places` gives the first so many from a place on, in order, where the walks do not know them. So many are counted as `counts`.
    """

    walks: Sequence[Walk[Row]]
    end: datetime | None = None
    without: frozenset[str] = IN_ORDER
    places: Callable[[Place | None, int, bool], list[Place]] | None = None
    counts: int = MOST_COUNTED

    @property
    def sorts(self) -> bool:
        """Whether its rows are first put in order."""
        return self.places is not None or self.without == GATHERED


# From a place on, older or newer, one part of so many of the usual length. None where it leads no further from there.
Way = Callable[[Place | None, bool, int], Stretch[Row] | None]


@dataclass(frozen=True, slots=True)
class Found:
    """How many a page gathered or met, up to one more than is counted, and whether that is all there is to look at."""

    number: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and the places where the pages of newer and older ones begin; "" where there are none.

    `searched` is how far it looked where that was not far enough to fill it: what lies beyond may match too. `goes_on`: it was
    gathered from a place on, and counting all would be to gather again. `found` is how many, where it
    gathered them at once or began with the first and met no more than it shows.
    """

    rows: list[Row]
    newer: str
    older: str
    way: Way[Row]
    searched: datetime | None = None
    looked_back: bool = True
    goes_on: bool = False
    found: Found | None = None


def walked(walks: Sequence[Walk[Row]]) -> Way[Row]:
    """The way along them in order."""
    lanes = [walk.lane for walk in walks if walk.lane is not None]

    def way(start: Place | None, older: bool, part: int) -> Stretch[Row] | None:
        if not lanes:
            return Stretch(walks)
        end = _end([lane_from(lane, start, older) for lane in lanes], older, walks[0].reach // part // len(lanes))
        return Stretch([walk.between(end, None) if older else walk.between(None, end) for walk in walks], end)

    return way


def lane_from(lane: QuerySet[Any], start: Place | None, older: bool) -> QuerySet[Any]:
    """A lane from a place on, in order."""
    side = "created_at__lte" if older else "created_at__gte"
    return (lane.filter(Q((side, start[0]))) if start else lane).order_by("-created_at" if older else "created_at")


def _end(lanes: Sequence[QuerySet[Any]], older: bool, most: int) -> datetime | None:
    """Where the first of them has given so many rows; None where none has as many."""
    found = nth(lanes, [most] * len(lanes))
    return (max if older else min)(found.values(), default=None)


def nth(lanes: Sequence[QuerySet[Any]], numbers: Sequence[int]) -> dict[int, datetime]:
    """The time of the so manieth row of each lane, by its place among them; those that have as many."""
    prefer(IN_ORDER)
    asked = [
        lane.annotate(lane=Value(place)).values_list("lane", "created_at")[number - 1 : number]
        for place, (lane, number) in enumerate(zip(lanes, numbers, strict=True))
    ]
    return dict(asked[0].union(*asked[1:], all=True) if len(asked) > 1 else asked[0])


def page_of(ways: Sequence[Way[Row]], query: Mapping[str, Any]) -> Page[Row]:
    """The page after or before the place that stands in a query string. A place that says nothing begins anew.

    Ways are tried in turn until one fills the page or has read all there is. Several walks are read as one: what stands in more
    than one of them is there once. Inside `reading`.
    """
    after, before = _read(query, "after"), _read(query, "before")
    older = bool(after) or not before
    start = after if older else before
    taken = _first(ways, start, older)
    end, goes_on = taken.stretch.end, taken.stretch.sorts and start is not None
    more, shown = len(taken.rows) > PAGE, taken.rows[:PAGE] if older else taken.rows[:PAGE][::-1]
    on = _on(shown[-1 if older else 0] if more else None, end, older)
    back = "" if start is None else _on(shown[0 if older else -1] if shown else None, start[0], older)
    searched = None if more else end
    newer, on = (back, on) if older else (on, back)
    return Page(shown, newer, on, taken.way, searched, looked_back=older, goes_on=goes_on, found=taken.found)


@dataclass(frozen=True, slots=True)
class _Taken(Generic[Row]):
    """What one way gave."""

    rows: list[Row]
    stretch: Stretch[Row]
    way: Way[Row]
    found: Found | None


def _first(ways: Sequence[Way[Row]], start: Place | None, older: bool) -> _Taken[Row]:
    """What the first way gives that fills a page or ends; else what the one gives that led furthest."""
    tried: list[_Taken[Row]] = []
    for way in ways:
        stretch = way(start, older, 1)
        if stretch is None:
            continue
        tried.append(_taken(way, stretch, start, older))
        if len(tried[-1].rows) > PAGE or stretch.end is None:
            return tried[-1]
    return (min if older else max)(tried, key=lambda one: one.stretch.end)  # type: ignore[arg-type,return-value] # none is None


def _taken(way: Way[Row], stretch: Stretch[Row], start: Place | None, older: bool) -> _Taken[Row]:
    """One page. To gather costs the same however many are kept, so the first page keeps as many keys as are counted."""
    if not stretch.sorts or start is not None:
        rows = read(stretch, start, PAGE + 1, older=older)
        whole = start is None and len(rows) <= PAGE
        return _Taken(rows, stretch, way, Found(len(rows), stretch.end is None) if whole else None)
    keys = _keys(stretch, start, stretch.counts + 1, older)
    ended = stretch.end is None and len(keys) <= stretch.counts
    return _Taken(_whole(stretch, keys[: PAGE + 1]), stretch, way, Found(min(len(keys), stretch.counts), ended))


def _on(last: Any, end: datetime | None, older: bool) -> str:
    """Where the next page begins: behind the last row, else behind what was looked at."""
    if last is not None:
        return place(last)
    return _written((end, LOWEST if older else HIGHEST)) if end else ""


def newest(walks: Sequence[Walk[Row]], most: int) -> list[Row]:
    """At most so many rows of all walks together, newest first, however long it takes."""
    with reading():
        return read(Stretch(walks, without=FREE), None, most)


def read(stretch: Stretch[Row], start: Place | None, most: int, *, older: bool = True) -> list[Row]:
    """The first rows of a stretch from a place on. Of several walks, or where it sorts, the keys come first: only rows that are
    shown are read whole."""
    if len(stretch.walks) == 1 and not stretch.sorts and not stretch.walks[0].texts:
        prefer(stretch.without)
        return list(stretch.walks[0].beyond(start, most, older=older))
    return _whole(stretch, _keys(stretch, start, most, older))


def _keys(stretch: Stretch[Row], start: Place | None, most: int, older: bool) -> list[Place]:
    """The first places of all walks together, each once."""
    prefer(stretch.without)
    if stretch.places:
        return stretch.places(start, most, older)
    one = stretch.walks[0]
    if one.texts:
        found = _of_each(one, one.beyond(start, most, older=older).values_list(one.at, one.key))
        return sorted({(at, key) for _, at, key in found}, reverse=older)[:most]
    parts = [walk.beyond(start, most, older=older).values_list(walk.at, walk.key) for walk in stretch.walks]
    return sorted(set(parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]), reverse=older)[:most]


def _of_each(walk: Walk[Row], values: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a query for each text of a walk, which stands before each of them."""
    try:
        sql, given = values.query.sql_with_params()
    except EmptyResultSet:
        return []
    text = f"SELECT named.text, found.* FROM unnest(%s::text[]) AS named(text), LATERAL ({sql}) AS found"  # noqa: S608 - our own words
    with connection.cursor() as cursor:
        cursor.execute(text, [list(walk.texts), *given])
        return list(cursor.fetchall())


def _whole(stretch: Stretch[Row], keys: Sequence[Place]) -> list[Row]:
    prefer(FREE)
    found = {row.pk: row for row in stretch.walks[0].whole.filter(pk__in=[key for _, key in keys])}
    # What moved since its key was read may not be visible any more.
    return [found[key] for _, key in keys if key in found]


def counted(page: Page[Row], most: int = MOST_COUNTED) -> str:
    """How many there are, as a list says it: `284`, or `1,000+` where nobody counts further. Inside `reading`."""
    if page.found:
        return _said(page, page.found.number, most, page.found.number > most or not page.found.ended)
    stretch = None if page.goes_on else page.way(None, True, COUNTED)
    number = 0 if stretch is None else max(len(stretch.walks), len(stretch.walks[0].texts))
    if stretch is None or number > MOST_WALKS:
        return f"{len(page.rows)}{'+' if page.older or page.newer else ''}"
    prefer(stretch.without)
    share = max(most // number, PAGE)
    found = _met(stretch, share + 1)
    more = stretch.end is not None or max(Counter(walk for walk, _ in found).values(), default=0) > share
    return _said(page, len({key for _, key in found}), most, more)


def _met(stretch: Stretch[Row], most: int) -> Sequence[tuple[Any, ...]]:
    """So many keys of each walk or text at most, behind what tells these apart."""
    one = stretch.walks[0]
    if one.texts:
        return _of_each(one, one.beyond(None, most).values_list(one.key))
    parts = [
        _to_count(walk, most, stretch.sorts).annotate(walk=Value(number)).values_list("walk", walk.key)
        for number, walk in enumerate(stretch.walks)
    ]
    return (
        list(parts[0].union(*parts[1:], all=True)) if len(parts) > 1 else [(0, key) for key in range(parts[0].count())]
    )


def _said(page: Page[Row], there: int, most: int, more: bool) -> str:
    return f"{max(min(there, most), len(page.rows)):,}+" if more else f"{there:,}"


def _to_count(walk: Walk[Row], most: int, sorts: bool) -> QuerySet[Row]:
    # In the order of its index, or else the database looks for the first so many wherever they may be.
    return walk.rows.filter(*walk.given).order_by()[:most] if sorts else walk.beyond(None, most)


def place(row: Placed) -> str:
    """Where a row stands, for the address of the page after or before it."""
    return _written((row.created_at, row.pk))


def _written(place: Place) -> str:
    return f"{instant(place[0])}~{place[1]}"


def _read(query: Mapping[str, Any], name: str) -> Place | None:
    found = _PLACE.fullmatch(str(query.get(name, "")))
    try:
        return (parse_instant(found[1]), found[2]) if found else None
    except ValueError:
        return None
