"""Whether the database keeps what it confirms: an intent that is lost after it was confirmed can be sent twice (F-05)."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import Error as DatabaseError
from django.db import connection

# `on` waits for a synchronous standby's disk where one is named; `remote_apply` waits for more.
KEEPS = frozenset({"on", "remote_apply"})


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def lost_commits() -> str:
    """Why a confirmed commit may be lost in a crash, as a sentence about this connection; "" when none may."""
    commit = _setting("synchronous_commit")
    if commit not in KEEPS:
        return f"synchronous_commit is {commit} on Remit's connection. Take it out of DATABASE_URL."
    return "" if _setting("fsync") == "on" else "The database runs with fsync off. Turn it on."


def lost_in_failover() -> str:
    """Why commits may be lost when a standby takes over; "" without standbys, or when one is waited for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_replication")
        standbys = int(cursor.fetchone()[0])
    if not standbys or _setting("synchronous_standby_names"):
        return ""
    return (
        f"{standbys} standbys follow and synchronous_standby_names is empty, so a failover may lose the last commits."
    )


@register(Tags.security, deploy=True)
def check_durability(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """`manage.py check --deploy`: what the execution tables need of the database."""
    try:
        lost, failover = lost_commits(), lost_in_failover()
    except DatabaseError as error:
        return [Error(f"The database could not be asked what it keeps: {error}", id="remit.E001")]
    found: list[CheckMessage] = [Error(lost, hint="See docs/operations.md, Database.", id="remit.E002")] if lost else []
    if failover:
        hint = "Name one, or look after each failover at what `remit_epoch show` says."
        found.append(Warning(failover, hint=hint, id="remit.W001"))
    return found
