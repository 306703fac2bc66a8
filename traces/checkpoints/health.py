"""Whether checkpoints are being signed. Execution asks before it dispatches (F13): no checkpoints for long, no dispatch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Min, OuterRef, QuerySet, Subquery

from accounts.clock import DatabaseNow, database_now
from accounts.questions import Question
from traces.checkpoints.registry import signed_since
from traces.models import Checkpoint, Delivery, Log, Trace

NOTHING_SENT = "Nothing is sent until the ledger is signed again."


@dataclass(frozen=True, slots=True)
class Health:
    """`ok` is what dispatch needs; `sentence` is what operators read; `last` is the last checkpoint, if any."""

    ok: bool
    sentence: str
    last: datetime | None


def checkpoints_healthy(workspace_id: str) -> bool:
    """Whether this workspace may dispatch: its ledger was checkpointed within REMIT_CHECKPOINT_ALARM_S.

    A workspace without a checkpoint is measured from its first trace. A database error propagates, so nothing falls open.
    """
    return workspace_health(workspace_id).ok


def workspace_health(workspace_id: str) -> Health:
    """The same with words."""
    found = _OF_WORKSPACE.first(workspace_id)
    log = _Log(*found) if found else None
    return _health(log, None if log and log.last_at else _first(workspace=workspace_id))


def deployment_health() -> Health:
    """The whole deployment: the registry, and any workspace whose ledger does not hold."""
    broken = Log.objects.exclude(problem="").order_by("origin").first()
    registry = _read(_with_last(Log.objects.filter(workspace=None)))
    found = _health(registry, None if registry and registry.last_at else _first(), broken.problem if broken else "")
    if broken is None or not found.ok:
        return found
    return _health(_read(_with_last(Log.objects.filter(pk=broken.pk))), broken.created_at)


def _with_last(logs: QuerySet[Log]) -> QuerySet[Log, tuple[Any, ...]]:
    """A log, when its last checkpoint was signed, and what time it is: in one statement, because each dispatch asks it thrice."""
    newest = Checkpoint.objects.filter(log=OuterRef("pk")).order_by("-number").values("at")[:1]
    columns = ("problem", "signed_at", "last_at", "now")
    return logs.annotate(last_at=Subquery(newest), now=DatabaseNow()).values_list(*columns)


_OF_WORKSPACE = Question(lambda workspace_id: _with_last(Log.objects.filter(workspace_id=workspace_id)))


def _read(logs: QuerySet[Log, tuple[Any, ...]]) -> "_Log | None":
    found = logs.first()
    return _Log(*found) if found else None


class _Log(NamedTuple):
    problem: str
    signed_at: datetime | None
    last_at: datetime | None
    now: datetime


def _first(**where: str) -> datetime | None:
    """When the first trace was opened: what is measured while there is no checkpoint."""
    at: datetime | None = Trace.objects.filter(**where).aggregate(at=Min("created_at"))["at"]
    return at


def _health(log: _Log | None, first: datetime | None, problem: str = "") -> Health:
    """INVARIANT: a clock that steps back does not keep the alarm quiet. Held by tests/traces/test_clock_back.py."""
    problem = problem or (log.problem if log else "")
    at = log.last_at if log else None
    since = signed_since(at, log.signed_at, log.now) if log and at else first
    if since is None and at is None:
        return Health(True, "Nothing to checkpoint yet.", None)
    if since is None:
        return Health(False, f"The database's clock went back, and nothing was signed since. {problem}".strip(), at)
    age = ((log.now if log else database_now()) - since).total_seconds()
    if abs(age) <= settings.REMIT_CHECKPOINT_ALARM_S:
        return Health(True, problem or "Checkpoints are signed.", at)
    reason = problem or "The checkpoint clock does not run."
    if age < 0:
        return Health(
            False, f"The database's clock went back {int(-age)} s, and nothing was signed since. {reason}", at
        )
    return Health(False, f"No checkpoint for {int(age)} s. {reason}", at)


def behind(workspace_id: str | None = None) -> list[str]:
    """What witnesses were not told, as sentences; with a workspace, only of its own log (P7)."""
    found = Delivery.objects.exclude(problem="").select_related("log").order_by("witness", "log")
    if workspace_id is not None:
        found = found.filter(log__workspace_id=workspace_id)
    return [f"{row.log.origin}: {row.problem}" for row in found]


def warning(workspace_id: str) -> str:
    """What the people of a workspace should know of its checkpoints, as a sentence; "" while all is well."""
    health = workspace_health(workspace_id)
    if not health.ok:
        return f"{health.sentence} {NOTHING_SENT}"
    if Log.objects.filter(workspace_id=workspace_id).exclude(problem="").exists():
        return f"The last checkpoint failed: {health.sentence}"
    # Where a witness is, and why it failed, is for who runs this installation: the clock's log and /metrics.
    return "A witness outside this database was not told of the newest checkpoints." if behind(workspace_id) else ""
