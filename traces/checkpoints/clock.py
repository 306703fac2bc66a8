"""The checkpoint clock: every REMIT_CHECKPOINT_S seconds even when idle, or sooner after many entries; then tells witnesses.

Safe in several processes at once: each log is locked while it is signed, each witness while it is told.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce

from accounts.clock import database_now
from accounts.models import Workspace
from traces.checkpoints.errors import CheckpointFailed
from traces.checkpoints.registry import latest, registry_log, signed_at
from traces.checkpoints.take import checkpoint_registry, checkpoint_workspace
from traces.checkpoints.witness import Witness, WitnessFailed, witnesses
from traces.models import Checkpoint, Delivery, Entry, Log

logger = logging.getLogger("remit.ledger")
AT_ONCE = 500
RETRY_S = 15


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    signed: int
    failed: int
    told: int


def tick(*, force: bool = False) -> Ticked:
    """Sign what is due (everything with `force`), then tell witnesses."""
    signed, failed = sign_due(force=force)
    return Ticked(signed, failed, tell_witnesses())


def sign_due(*, force: bool = False) -> tuple[int, int]:
    """Sign every log that is due; one that does not hold stops itself, not the others. Gives how many were signed and failed."""
    signed, failed = 0, 0
    everything = force or _many_entries()
    for workspace_id in _workspaces(everything):
        try:
            checkpoint_workspace(workspace_id)
            signed += 1
        except CheckpointFailed:
            failed += 1  # The log says why; it was logged once.
    if everything or signed or _registry_due():
        try:
            checkpoint_registry()
            signed += 1
        except CheckpointFailed:
            failed += 1
    return signed, failed


def _workspaces(everything: bool) -> list[str]:
    """Workspaces that are due; one that failed is tried again after the same period."""
    every = Workspace.objects.order_by("pk")
    if not everything:
        points = Checkpoint.objects.filter(log__workspace=OuterRef("pk")).order_by("-number")
        every = every.annotate(last=Subquery(points.values("at")[:1]))
        # Until the clock has caught up with a signed time, the log says when it was signed.
        signed = Case(When(last__lte=database_now(), then=F("last")), default=F("log__signed_at"))
        every = every.alias(signed=signed).filter(~_lately("signed"), ~_lately("log__problem_at"))
    return list(every.values_list("pk", flat=True))


def _lately(column: str) -> Q:
    """Within the last period. What lies ahead was written before the clock stepped back, and is not."""
    now = database_now()
    begin = now - timedelta(seconds=settings.REMIT_CHECKPOINT_S)
    return Q(**{f"{column}__isnull": False, f"{column}__gt": begin, f"{column}__lte": now})


def _registry_due() -> bool:
    log = registry_log()
    last = latest(log)
    now = database_now()
    begin = now - timedelta(seconds=settings.REMIT_CHECKPOINT_S)
    times = (signed_at(log, last) if last else None, log.problem_at)
    return not any(at is not None and begin < at <= now for at in times)


def _many_entries() -> bool:
    """Whether REMIT_CHECKPOINT_ENTRIES entries were added since the last registry checkpoint."""
    last = latest(registry_log())
    if last is None:
        return True
    most = settings.REMIT_CHECKPOINT_ENTRIES
    return Entry.objects.filter(at__gt=last.at)[:most].count() >= most


def tell_witnesses() -> int:
    """Hand every witness the checkpoints it lacks, oldest first. Gives how many were told; failures are kept and logged.

    A witness that fails is left alone for RETRY_S: one that hangs must not be waited for at every tick.
    """
    return sum(_tell_all(witness) for witness in witnesses())


def _tell_all(witness: Witness) -> int:
    mine = Delivery.objects.filter(witness=witness.name)
    now = database_now()
    if mine.filter(at__gt=now - timedelta(seconds=RETRY_S), at__lte=now).exclude(problem="").exists():
        return 0
    points = Checkpoint.objects.filter(log=OuterRef("pk")).order_by("-number")
    told = Subquery(mine.filter(log=OuterRef("pk")).values("number")[:1])
    logs = Log.objects.annotate(last=Subquery(points.values("number")[:1]), told=Coalesce(told, 0))
    count = 0
    for log in logs.filter(last__gt=F("told")).order_by("origin"):
        Delivery.objects.bulk_create([Delivery(log=log, witness=witness.name)], ignore_conflicts=True)
        handed = _tell(witness, log)
        if handed is None:
            break
        count += handed
    return count


def _tell(witness: Witness, log: Log) -> int | None:
    """How many notes were handed over; None when the witness failed."""
    with transaction.atomic():
        mine = Delivery.objects.select_for_update(skip_locked=True).filter(log=log, witness=witness.name).first()
        if mine is None:
            return 0  # Another process is telling it.
        waiting = Checkpoint.objects.filter(log=log, number__gt=mine.number).order_by("number")[:AT_ONCE]
        points = list(waiting.values_list("number", "note"))
        mine.at, before, mine.problem = database_now(), mine.problem, ""
        try:
            if points:
                witness.tell(log.origin, [note for _, note in points])
                mine.number = points[-1][0]
        except WitnessFailed as error:
            mine.problem = str(error)
            if mine.problem != before:
                logger.warning("A witness was not told: %s", error)
        mine.save()
    return None if mine.problem else len(points)
