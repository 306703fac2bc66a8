"""Looks at MCP servers without being asked: one at a time, one look every REMIT_MCP_WATCH_S each, beside the sweeper's rounds.

INVARIANT: a server that hangs keeps no round, no worker and no request waiting, and one that fails keeps no other from being
looked at. Held by tests/upstreams/test_watch.py.
"""

import logging
import threading
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, connections, transaction
from django.db.models import F, Q, QuerySet

from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.models import Workspace
from actions.connections import note_health
from actions.execution import Health, look_at_server
from actions.models import Connection, KillSwitch
from actions.switches import open_switches
from traces.services import record_governance

logger = logging.getLogger("remit.sweeper")
# Of one turn, so that a turn ends however many servers there are.
MOST = 100


def watching(stop: threading.Event) -> None:
    """Look at what is due until stopped. What goes wrong is logged, and tried again a turn later."""
    while not stop.is_set():
        close_old_connections()
        try:
            watch_due(stop)
        except Exception:
            logger.exception("MCP servers could not be looked at; the next turn tries again.")
        stop.wait(settings.REMIT_SWEEP_S)
    connections.close_all()


def watch_due(stop: threading.Event | None = None) -> int:
    """Look at each server that is due, the longest unseen first; how many were looked at."""
    count = 0
    while count < MOST and not (stop is not None and stop.is_set()):
        found = _taken()
        if found is None:
            break
        count += 1
        _look(found)
    return count


def _taken() -> Connection | None:
    """The next one that is due, taken for this interval by whoever asks first."""
    now = database_now()
    with transaction.atomic():
        due = _watched().filter(
            Q(watched_at=None) | Q(watched_at__lte=now - timedelta(seconds=settings.REMIT_MCP_WATCH_S))
        )
        free = due.select_for_update(of=("self",), skip_locked=True).select_related("workspace")
        found = free.order_by(F("watched_at").asc(nulls_first=True), "pk").first()
        if found is not None:
            Connection.objects.filter(pk=found.pk).update(watched_at=now)
    return found


def _watched() -> QuerySet[Connection]:
    """Servers with imported tools that no pause covers: while it is paused, nothing is sent there."""
    paused = open_switches().filter(scope=KillSwitch.Scope.CONNECTION).values("target")
    used = Connection.objects.filter(kind="mcp").filter(
        pk__in=Connection.objects.filter(tools__isnull=False).values("pk")
    )
    return used.exclude(pk__in=paused)


def _look(connection: Connection) -> None:
    actor = system_actor("sweeper", connection.workspace_id)
    try:
        found = look_at_server(actor, connection)
        _note(actor, connection, found)
    except Exception:
        logger.exception("%s could not be looked at; it is tried again in its turn.", connection.slug)


def _note(actor: Actor, connection: Connection, found: Health) -> None:
    """What is as it was the last time is no news: only its time is kept."""
    said = found.sentence[:300]
    with transaction.atomic():
        before = Connection.objects.select_for_update().get(pk=connection.pk)
        is_news = (before.check_ok, before.check_detail) != (found.ok, said)
        note_health(actor, connection, found)
        if is_news:
            body = {"connection": connection.slug, "ok": found.ok, "detail": said}
            record_governance(actor=actor, workspace_id=connection.workspace_id, type="connection.checked", body=body)


def broken_servers(workspace: Workspace) -> QuerySet[Connection]:
    """Servers that did not list what was approved when somebody last looked."""
    return _watched().filter(workspace=workspace, check_ok=False).order_by("checked_at")
