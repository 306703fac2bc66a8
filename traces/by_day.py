"""Reads what is titled by some words day by day, newest first: words and time are looked up at once, so only few rows are read.

An inverted index finds words but knows no order, so a page of fifty would sort all that have them. One index (TITLE_BY_DAY) has
each word once for each day of its trace and once for each month of 32 days. Months say where to look; days are read in turn.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Func, Q, QuerySet, Value
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from accounts.questions import any_of
from traces.finding import TITLE_WORDS, words_asked
from traces.models import TITLE_BY_DAY, Trace
from traces.paging import Place, Row, Stretch, Walk, Way, lane_from, nth
from traces.reading import BY_DAY, prefer

MONTH = 32
# A month of fewer titles is read at once. Months are looked into until so many titles were met; those beyond are read by days.
THIN, MET = 100, 200
# To count further is to read more days.
COUNTED = 200
_FIRST = date(1970, 1, 1)
# A word as PostgreSQL writes it in a query, or how far behind each other two of them stand.
_PART = re.compile(r"'((?:[^'\\]|''|\\\\)+)'|<(?:-|\d+)>")
# What the statements below look into in turn; conditions name its columns.
_DAYS = "unnest(%s::text[]::tsquery[], %s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS days(words, since, until, place)"
# INVARIANT: words are looked up by their index and by nothing else, whatever the statistics say of a workspace: OFFSET keeps all
# other conditions out. Held by tests/traces/test_by_day.py. Those are asked of what the words gave, which stands in place of the
# table: to look it up again by its keys took as long as to find it.
_OF_TITLED = 'WITH "traces_trace" AS NOT MATERIALIZED ({} OFFSET 0) {}'
_THEIRS = "LATERAL (SELECT ARRAY({}) OFFSET 0) AS theirs(keys), "


@dataclass(frozen=True, slots=True)
class Days:
    """Days that follow each other, counted since 1970 in UTC: one, or a month that begins at a multiple of itself."""

    first: int
    number: int = 1

    @property
    def since(self) -> datetime:
        return datetime.combine(_FIRST + timedelta(days=self.first), datetime.min.time(), UTC)

    @property
    def until(self) -> datetime:
        """The first instant that is not of them."""
        return self.since + timedelta(days=self.number)

    def asked(self, query: str, workspace: Workspace) -> str:
        """The words of a query as `remit_title_by_day` has them of these days; in any order, because it knows none."""
        tag = (f"d{self.first:05}" if self.number == 1 else f"m{self.first // MONTH:04}") + workspace.pk[-6:]
        return _PART.sub(lambda part: f"'{tag}{part[1]}'" if part[1] else "&", query)


def day_of(at: datetime) -> int:
    """Its day since 1970, in UTC."""
    return (at.astimezone(UTC).date() - _FIRST).days


def by_day(
    visible: QuerySet[Row],
    rows: QuerySet[Row],
    workspace: Workspace,
    text: str,
    lane: QuerySet[Any],
    traces: QuerySet[Trace] | None = None,
) -> Way[Row]:
    """The way to all rows that are titled so: traces themselves, or what is of these `traces`, which are looked up first.

    `lane` is all that may be, and says how far back and forth there is any.
    """

    def places(start: Place | None, most: int, older: bool) -> list[Place]:
        query, ends = _query(text), nth([lane_from(lane, start, older), lane_from(lane, None, not older)], [1, 1])
        if not query or 0 not in ends:
            return []
        days = list(_days(day_of(ends[0]), day_of(ends[1]), query, workspace))
        exactly = _exactly(text, query)
        prefer(BY_DAY)
        if traces is None:
            of, found = None, rows.filter(*exactly)
        else:
            of, found = traces.filter(*exactly), rows.filter(any_of("trace_id", RawSQL("theirs.keys", [])))
        at = Q(created_at__gte=RawSQL("days.since", []), created_at__lt=RawSQL("days.until", []))
        there = Walk(found.filter(at), visible).all_from(start, older=older)
        return _read(there, of, days, [one.asked(query, workspace) for one in days], most, older)

    return lambda start, older, part: Stretch([Walk(visible, visible)], None, BY_DAY, places, COUNTED)


def _query(text: str) -> str:
    """The words of a filter as PostgreSQL reads them: one may be several, which follow each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_tsquery('simple', %s)::text", [words_asked(text)])
        return str(cursor.fetchone()[0])


def _titled() -> QuerySet[Trace]:
    """The traces of the words and days at hand, by nothing else."""
    return Trace.objects.filter(_matches(TITLE_BY_DAY, RawSQL("days.words", []))).order_by()


def _exactly(text: str, query: str) -> list[Combinable]:
    """What else is asked of a title where words have to follow each other. Not by the index of words alone, which has no days."""
    if all(part[1] for part in _PART.finditer(query)):
        return []
    asked = SearchQuery(words_asked(text), config="simple", search_type="raw")
    return [Coalesce(_matches(TITLE_WORDS, asked), Value(False))]


def _matches(words: Any, query: Any) -> Func:
    return Func(words, query, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField())


def _days(near: int, far: int, query: str, workspace: Workspace) -> Iterator[Days]:
    """What to read in turn from one day to another: thin months at once, full ones by days, empty ones not at all."""
    step = -1 if near > far else 1
    months = [Days(month * MONTH, MONTH) for month in range(near // MONTH, far // MONTH + step, step)]
    met = _met(months, [month.asked(query, workspace) for month in months])
    known = max(met) if met.total() >= MET else len(months) + 1
    for place, month in enumerate(months, 1):
        if met[place] >= THIN or place >= known:
            inside = range(max(month.first, min(near, far)), min(month.first + MONTH, max(near, far) + 1))
            yield from (Days(day) for day in inside[::step])
        elif met[place]:
            yield month


def _met(months: Sequence[Days], asked: Sequence[str]) -> Counter[int]:
    """How many titles the months have, by their places from 1 on: no more than THIN of each and MET of all, the first ones."""
    prefer(BY_DAY)
    sql, given = _titled().values_list(Value(1))[:THIN].query.sql_with_params()
    text = f"SELECT place FROM {_DAYS}, LATERAL ({sql}) AS found ORDER BY place LIMIT %s"  # noqa: S608 - our own words
    return Counter(place for (place,) in _rows(text, [*_given(months, asked), *given, MET]))


def _read(
    rows: QuerySet[Any],
    traces: QuerySet[Trace] | None,
    days: Sequence[Days],
    asked: Sequence[str],
    most: int,
    older: bool,
) -> list[Place]:
    """The first so many places, of one day after the other and no further than needed."""
    wanted = [*([] if traces is None else [traces.values_list("pk")]), rows.values_list("created_at", "pk")]
    try:
        titled, *parts = [one.order_by().query.sql_with_params() for one in (_titled(), *wanted)]
    except EmptyResultSet:
        return []
    texts, side = [sql for sql, _ in parts], "DESC" if older else "ASC"
    texts[0] = _OF_TITLED.format(titled[0], texts[0])
    looked = _THEIRS.format(texts[0]) if traces is not None else ""
    text = (
        f"SELECT at, key FROM {_DAYS}, {looked}LATERAL ({texts[-1]}) AS found(at, key)"  # noqa: S608 - our own words
        f" ORDER BY place, at {side}, key {side} LIMIT %s"
    )
    given = [value for _, values in (titled, *parts) for value in values]
    return _rows(text, [*_given(days, asked), *given, most])


def _given(days: Sequence[Days], asked: Sequence[str]) -> list[Any]:
    return [list(asked), [one.since for one in days], [one.until for one in days]]


def _rows(text: str, given: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text, given)
        return list(cursor.fetchall())
