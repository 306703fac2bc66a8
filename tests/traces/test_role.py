"""What a login with the serving role can do to the ledger, whatever it is made to run: add to it and read it (R-43)."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from tests.traces.ledgers import grown
from traces.checkpoints.clock import tick
from traces.management.commands.remit_role import INSERT_ONLY
from traces.models import Entry

CHANGES = [
    *("UPDATE {table} SET id = id", "DELETE FROM {table}", "TRUNCATE {table}", "TRUNCATE {table} CASCADE"),
    *("ALTER TABLE {table} DISABLE TRIGGER ALL", "ALTER TABLE {table} DISABLE TRIGGER USER"),
    *("DROP TABLE {table} CASCADE", "ALTER TABLE {table} RENAME TO gone", "ALTER TABLE {table} OWNER TO remit_app"),
    *("ALTER TABLE {table} ADD COLUMN note text", "CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING"),
    "CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION remit_refuse_ledger_change()",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET id = excluded.id",
    "SELECT * FROM {table} FOR UPDATE",
]
ELSEWHERE = [
    *("SET session_replication_role = replica", "SET ROLE postgres", "ALTER ROLE remit_app SUPERUSER"),
    *("DROP TRIGGER entry_insert_only ON traces_entry", "DROP FUNCTION remit_refuse_ledger_change() CASCADE"),
    "CREATE OR REPLACE FUNCTION remit_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "UPDATE pg_trigger SET tgenabled = 'D'",
    "DELETE FROM traces_log",
    "UPDATE traces_log SET origin = 'x'",
    "DELETE FROM traces_signingkey",
    "UPDATE traces_signingkey SET public = 'x'",
    "DELETE FROM traces_trace",
    "UPDATE traces_withheldvalue SET value = 'x'",
    "TRUNCATE traces_withheldvalue",
    "SELECT setval('traces_entry_id_seq', 1)",
]


@pytest.fixture
def serving(cast):
    """The session of a login that has only the role, in a database with a ledger to harm."""
    call_command("remit_role", stdout=StringIO())
    grown(cast)
    tick(force=True)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL SESSION AUTHORIZATION remit_app")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")


@pytest.mark.parametrize("table", INSERT_ONLY)
def test_r43_no_statement_changes_a_ledger_table_or_its_guards(serving, table):
    done = [text for text in CHANGES if not refused(text.format(table=table))]
    assert done == []


def test_r43_no_way_around_the_guards(serving):
    assert [text for text in ELSEWHERE if not refused(text)] == []
    assert Entry.objects.exists()


def refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return True
    return False
