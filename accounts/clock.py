"""The one clock of decisions and deadlines: the database's (R-27)."""

from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, Func

NOW = "clock_timestamp()"


class DatabaseNow(Func):
    """The same clock inside a statement that reads or writes anyway."""

    function = "clock_timestamp"
    output_field = DateTimeField()


def database_now() -> datetime:
    """UTC now by PostgreSQL's clock_timestamp(): moves inside a transaction, and is the same for every process."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NOW}")
        row = cursor.fetchone()
    now: datetime = row[0]
    return now
