"""`manage.py remit_role`: give the role `remit_app` what serving processes need; the ledger only grows under it (R-43)."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

INSERT_ONLY = ("traces_entry", "traces_leaf", "traces_treenode", "traces_checkpoint")
ROLE = "remit_app"


def statements() -> list[str]:
    """SQL that makes the role right, whatever it was before."""
    tables = sorted(
        {model._meta.db_table for model in apps.get_models(include_auto_created=True)} | {"django_migrations"}
    )
    ordinary = ", ".join(f'"{table}"' for table in tables if table not in INSERT_ONLY)
    ledger = ", ".join(INSERT_ONLY)
    return [
        f"DO $$ BEGIN IF to_regrole('{ROLE}') IS NULL THEN CREATE ROLE {ROLE} NOLOGIN; END IF; END $$",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}",
        f"GRANT USAGE ON SCHEMA public TO {ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {ordinary} TO {ROLE}",
        f"GRANT SELECT, INSERT ON {ledger} TO {ROLE}",
        f"REVOKE DELETE ON traces_log, traces_signingkey, traces_trace FROM {ROLE}",
        f"REVOKE UPDATE ON traces_withheldvalue FROM {ROLE}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
    ]


class Command(BaseCommand):
    """Run by the owner of the tables after each migration."""

    help = "grant the insert-only database role; --sql prints it instead"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sql", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """A connection that may not grant ends with one sentence."""
        if options["sql"]:
            self.stdout.write(";\n".join(statements()) + ";")
            return
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in statements():
                    cursor.execute(statement)
        except DatabaseError as error:
            raise CommandError(f"This connection may not grant: {str(error).splitlines()[0]} Use --sql.") from error
        self.stdout.write(f"{ROLE} may add to the ledger and read it. Grant it to the login that serves.")
