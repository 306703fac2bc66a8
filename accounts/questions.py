"""Questions that are asked many times a call: Django writes the statement once, and from then on it is asked with other values.

Writing a statement takes Django longer than PostgreSQL takes to answer it. Nothing of an answer is kept: each asking reads.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, Count, F, Func, Model, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.query import ValuesListIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


class Question(Generic[Row]):
    """One statement with places for values: an instance for each row of a model, with what was annotated, or a tuple for each
    row of values.

    `build` gives the query for texts that mark the places; all that differs between two askings must be among them. A place
    that is no text needs its type written beside it in the query (`%s::interval`); one for several texts stands in `among`.
    Nothing is prefetched.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build
        self._written: _Written | None = None

    def all(self, *values: Any) -> list[Row]:
        """Every row."""
        if self._written is None:
            self._written = _Written(self._build)
        return self._written.asked(values)

    def first(self, *values: Any) -> Row | None:
        """The first row, where there is one."""
        return next(iter(self.all(*values)), None)


def among(column: str, place: str) -> Func:
    """That a column has one of the texts that are given for one place as a list, however many they are."""
    return any_of(column, RawSQL("%s::text[]", [place]))


def number_of(query: QuerySet[Any, Any]) -> QuerySet[Any, tuple[int]]:
    """What asks how many rows a query has: one row of one number, also where there are none."""
    found: QuerySet[Any, tuple[int]] = (
        query.order_by().values(one=Value(1)).annotate(number=Count("*")).values_list("number")
    )
    return found


def any_of(column: str, keys: RawSQL) -> Func:
    """That a column has one of the texts of an array."""
    return Func(F(column), keys, template="(%(expressions)s))", arg_joiner=" = ANY(", output_field=BooleanField())


class _Written:
    """The statement, and how its rows are read: as Django's own iterables do."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._places = [f"\x00place {number}" for number in range(len(inspect.signature(build).parameters))]
        query = build(*self._places)
        compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
        of_values = issubclass(query._iterable_class, ValuesListIterable)
        self._text, self._constants = compiler.as_sql()
        if not set(self._places) <= {one for one in self._constants if isinstance(one, str)}:
            raise ValueError("A place of the question does not reach its statement as a text.")
        columns = [column[0] for column in compiler.select[: compiler.col_count]]
        self._converters = [
            (place, convert, columns[place])
            for place, (converts, _) in compiler.get_converters(columns).items()
            for convert in converts
        ]
        self._made = tuple if of_values else _reader(compiler)

    def asked(self, values: Sequence[Any]) -> list[Any]:
        given = dict(zip(self._places, values, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                self._text, [given.get(one, one) if isinstance(one, str) else one for one in self._constants]
            )
            rows = [list(row) for row in cursor.fetchall()]
        for row in rows:
            for place, convert, column in self._converters:
                row[place] = convert(row[place], column, connection)
        return [self._made(row) for row in rows]


def _reader(compiler: SQLCompiler) -> Callable[[list[Any]], Model]:
    info = compiler.klass_info
    begin, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in compiler.select[begin:end]]
    related = get_related_populators(info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # of a later Django
    annotated = compiler.annotation_col_map

    def made(row: list[Any]) -> Model:
        found: Model = info["model"].from_db(DEFAULT_DB_ALIAS, names, row[begin:end])
        for populate in related:
            populate.populate(row, found)
        for name, place in annotated.items():
            setattr(found, name, row[place])
        return found

    return made
