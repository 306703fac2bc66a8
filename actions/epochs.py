"""Failover epochs: after the database was replaced, nothing of before starts until it is known whether it ran (F-05).

A standby that lacks the last commits says AUTHORIZED of an action whose intent it never received. So when the database
is another than the one the epoch began on, or an operator says so, another epoch begins. INVARIANT: an action made before
the present epoch is never dispatched as if it were new; it goes to UNKNOWN, and from there as any doubt does. Held by
tests/faults/test_failover.py.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from accounts.actors import Actor, system_actor
from accounts.clock import database_now
from accounts.models import Workspace
from accounts.questions import Question
from actions.machine import StateConflict, move
from actions.models import Action, Epoch
from actions.states import State
from traces.services import record_governance

FIRST = 1
BATCH = 500
MIN_REASON = 10
DETAIL = "The database was replaced after this was authorized. It may have run before, so that is found out first."
SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"
TIMELINE = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint"


class EpochRefused(Exception):
    """No epoch began; the message says why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database this is: `system` changes with another cluster, `timeline` with every promotion of a standby."""

    system: str
    timeline: int


def identity() -> Identity:
    """The database this connection writes to. A standby has none: the error propagates, so nothing is dispatched from one."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({SYSTEM}), ({TIMELINE})")
        system, timeline = cursor.fetchone()
    return Identity(system, timeline)


_LAST = Question(
    lambda: Epoch.objects.order_by("-pk").annotate(
        of_system=RawSQL(SYSTEM, []),  # noqa: S611 - our own words
        of_timeline=RawSQL(TIMELINE, []),  # noqa: S611 - our own words
    )[:1]
)


def current() -> Epoch:
    """The present epoch. Begins the next one by itself when this database is not the one the last began on."""
    last = _LAST.first()
    if last is not None and (last.system, last.timeline) == (last.of_system, last.of_timeline):
        return last
    return _begin(system_actor("failover", ""), "", seen=last.number if last else 0)


def bump(*, actor: Actor, reason: str) -> Epoch:
    """Begin an epoch on an operator's word, where the database itself cannot show that commits were lost.

    Raises EpochRefused without a reason. What is in doubt then, `doubt_earlier` finds.
    """
    said = reason.replace("\x00", "").strip()
    if len(said) < MIN_REASON:
        raise EpochRefused(f"Say why in at least {MIN_REASON} characters. It stands in every workspace's ledger.")
    return _begin(actor, said, seen=current().number)


def _begin(actor: Actor, reason: str, *, seen: int) -> Epoch:
    """One more epoch, unless somebody began it meanwhile; in the ledger of every workspace. The first doubts nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('remit epoch'))")
        last, now = Epoch.objects.last(), identity()
        if last is not None and last.number != seen:
            return last
        by = {"kind": actor.kind, "id": actor.id, "name": actor.name}
        made = Epoch.objects.create(
            number=seen + 1, system=now.system, timeline=now.timeline, began_at=database_now(), by=by,
            reason=(reason or _what_changed(last, now))[:500],
        )  # fmt: skip
        if made.number > FIRST:
            _ledger(actor, made)
    return made


def _what_changed(last: Epoch | None, now: Identity) -> str:
    if last is None:
        return "The first start."
    if last.system != now.system:
        return "This is another database cluster than before: restored, moved or upgraded."
    return f"The database's timeline is {now.timeline} and was {last.timeline}: a standby was promoted or a backup restored."


def _ledger(actor: Actor, epoch: Epoch) -> None:
    body = {"number": epoch.number, "reason": epoch.reason, "system": epoch.system, "timeline": epoch.timeline}
    for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
        record_governance(actor=actor, workspace_id=workspace_id, type="epoch.began", body=body)


def may_have_run(action: Action, epoch: Epoch) -> bool:
    """Whether the intent of an action that looks as if it never started may be a lost commit."""
    return epoch.number > FIRST and action.created_at <= epoch.began_at


def doubt_earlier(epoch: Epoch) -> int:
    """Put in doubt what was made before this epoch and looks as if it could still start. Returns how many.

    Also what people approve later: their first approval, and the run after it, may be among what was lost.
    """
    if epoch.number == FIRST:
        return 0
    earlier = Action.objects.filter(state__in=[State.AUTHORIZED, State.CLAIMED], created_at__lte=epoch.began_at)
    found = earlier.select_related("tool__connection").order_by("created_at", "pk")[:BATCH]
    return sum(_doubt_one(action, epoch) for action in found)


def _doubt_one(action: Action, epoch: Epoch) -> bool:
    try:
        doubt(system_actor("failover", action.workspace_id), action, epoch)
    except StateConflict:
        return False
    return True


def doubt(actor: Actor, action: Action, epoch: Epoch) -> None:
    """From AUTHORIZED or CLAIMED to UNKNOWN under a new fence. Raises StateConflict.

    It can have been sent as early as it was made, so a key may be as old as that, and as late as the epoch began.
    """
    now = database_now()
    move(
        actor=actor, action=action, to=State.UNKNOWN, entry="action.unknown",
        body={"detail": DETAIL, "epoch": epoch.number}, bump_fence=True, epoch=epoch.number, detail=DETAIL,
        lease_until=None, dispatched_at=action.created_at, resent_at=epoch.began_at, sent_to=action.goes_to,
        unknown_at=now, reconcile_at=now + timedelta(seconds=settings.REMIT_RECONCILE_S),
    )  # fmt: skip
