"""Rows written by their columns alone: one statement put together from names of the model, without Django's query builder.

For what a call writes again and again: building such a statement takes Django longer than PostgreSQL takes to carry it out.
Values are converted by the model's fields, as Django does. No signal is sent, and nothing is read or cached.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import AutoField, Field, Model

from accounts.clock import NOW, DatabaseNow

Row = TypeVar("Row", bound=Model)


def change(model: type[Model], where: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    """Set these columns of the rows where those hold these values (None: NULL); how many rows there were.

    A foreign key is named by its column (`agent_id`). `DatabaseNow()` is the database's clock.
    """
    return _done(*_changing(model, where, columns))


def changed(model: type[Row], where: Mapping[str, Any], columns: Mapping[str, Any]) -> list[Row]:
    """The same, and the rows as they stand after it."""
    text, values = _changing(model, where, columns)
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(f"{text} RETURNING {', '.join(_name(model, name) for name in names)}", values)
        rows = cursor.fetchall()
    return [
        model.from_db(connection.alias, names, [_read(field, value) for field, value in zip(fields, row, strict=True)])
        for row in rows
    ]


def _changing(model: type[Model], where: Mapping[str, Any], columns: Mapping[str, Any]) -> tuple[str, list[Any]]:
    values: list[Any] = []
    sets = ", ".join(f"{_name(model, name)} = {_place(model, name, value, values)}" for name, value in columns.items())
    found = _found(model, where, values)
    return f"UPDATE {_quoted(model._meta.db_table)} SET {sets} WHERE {found}", values  # noqa: S608 - names of the model


def _read(field: "Field[Any, Any]", value: Any) -> Any:
    """As Django reads a column."""
    for convert in field.get_db_converters(connection):
        value = convert(value, field.get_col(field.model._meta.db_table), connection)
    return value


def remove(model: type[Model], where: Mapping[str, Any]) -> int:
    """Delete the rows where these columns hold these values; how many there were. Nothing that points to them goes along."""
    values: list[Any] = []
    found = _found(model, where, values)
    return _done(f"DELETE FROM {_quoted(model._meta.db_table)} WHERE {found}", values)  # noqa: S608 - names of the model


def add(rows: Sequence[Model], *, once: str = "") -> None:
    """Insert rows of one model. A row whose column `once` stands in the table already takes the place of that one.

    The numbers that the database gives are set on the instances, as Django does.
    """
    model, values = type(rows[0]), list[Any]()
    names = _written(model)
    places = ["(" + ", ".join(_place(model, name, getattr(row, name), values) for name in names) + ")" for row in rows]
    columns = [_name(model, name) for name in names]
    text = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(columns)}) VALUES {', '.join(places)}"  # noqa: S608
    if once:
        replaced = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
        text += f" ON CONFLICT ({_name(model, once)}) DO UPDATE SET {replaced}"
    key = _key(model)
    with connection.cursor() as cursor:
        cursor.execute(f"{text} RETURNING {_name(model, key)}", values)
        found = cursor.fetchall()
    for row, (pk,) in zip(rows, found, strict=True):
        row.pk, row._state.adding, row._state.db = pk, False, connection.alias


@cache
def _written(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields if not isinstance(field, AutoField))


def _key(model: type[Model]) -> str:
    assert model._meta.pk is not None  # noqa: S101 - every model has one
    return model._meta.pk.attname


def _found(model: type[Model], where: Mapping[str, Any], values: list[Any]) -> str:
    """INVARIANT: a statement that names no row touches none. Held by tests/accounts/test_writes.py."""
    if not where:
        raise ValueError("Say which rows are meant.")
    return " AND ".join(
        f"{_name(model, name)} " + ("IS NULL" if value is None else f"= {_place(model, name, value, values)}")
        for name, value in where.items()
    )


def _place(model: type[Model], name: str, value: Any, values: list[Any]) -> str:
    if isinstance(value, DatabaseNow):
        return NOW
    values.append(_field(model, name).get_db_prep_save(value, connection))
    return "%s"


@cache
def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    found = model._meta.get_field(name)
    if not isinstance(found, Field) or not found.concrete:
        raise ValueError(f"{model.__name__}.{name} is no column.")
    return found


@cache
def _name(model: type[Model], name: str) -> str:
    column = _field(model, name).column
    assert column is not None  # noqa: S101 - a concrete field has one
    return _quoted(column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _done(text: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        count: int = cursor.rowcount
    return count
