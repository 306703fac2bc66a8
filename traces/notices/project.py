"""Turns new ledger entries into notices: the first half of the notices clock. Sends nothing.

INVARIANT: the notices of an entry are written in the transaction that forgets it is untold, so none is lost or doubled by a
crash. Held by tests/notices/test_outbox.py.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Q

from accounts.clock import database_now
from traces.models import Entry, Log, Trace
from traces.notices.events import CHECKPOINT_FAILED, EVENTS
from traces.notices.models import Channel, Delivery, Notice, Untold
from traces.notices.people import channels_of, still_asked, told_of_emergency, waiting_after
from traces.notices.said import Said, Scene, asking, say
from traces.notices.schedule import Schedule

logger = logging.getLogger("remit.notices")
BATCH = 200
AGAIN = timedelta(minutes=1)


def project() -> int:
    """Notices of everything untold. Safe in several processes at once. Gives how many entries were told of."""
    now = database_now()
    due = Untold.objects.filter(Q(again_at=None) | Q(again_at__lte=now)).order_by("pk")
    return sum(_told(entry_id) for entry_id in list(due.values_list("pk", flat=True)[:BATCH]))


def _told(entry_id: int) -> bool:
    """One entry in one transaction. What cannot be put into words is said in the log and tried again later."""
    try:
        with transaction.atomic():
            row = Untold.objects.select_for_update(skip_locked=True).filter(pk=entry_id).first()
            if row is None:
                return False
            tell(Entry.objects.select_related("trace__workspace").get(pk=entry_id))
            row.delete()
            return True
    except OperationalError:
        raise
    except (
        Exception
    ) as error:  # Whatever is wrong with one entry, the others are told; nothing is lost, and the gauge shows it.
        problem = f"{type(error).__name__}: {error}"[:200]
        logger.exception("Nobody was told of entry %s yet.", entry_id)
        Untold.objects.filter(pk=entry_id).update(problem=problem, again_at=database_now() + AGAIN)
        return False


def tell(entry: Entry) -> None:
    """Write the notices of one entry, for the workspace's channels and for people. Inside a transaction."""
    trace, occasion = entry.trace, f"{entry.trace_id} {entry.seq}"
    if entry.type in {"approval.settled", "approval.changes_asked"}:
        drop_held(entry.record["body"]["approval"])
    if entry.type in EVENTS:
        # A new channel is told of what happens from then on, also when this clock had stood still.
        channels = _channels(Q(workspace=trace.workspace, created_at__lte=entry.at), entry.type)
        _notify(channels, say(entry), event=entry.type, occasion=occasion, at=entry.at, entry=entry)
    _tell_people(entry, trace, occasion)


def _tell_people(entry: Entry, trace: Trace, occasion: str) -> None:
    scene, event = Scene(entry), "approval.requested"
    said: Said | None = None
    if entry.type in {"approval.requested", "approval.verdict_recorded"}:
        waiting = waiting_after(scene)
        if waiting is None:
            return
        if entry.type == "approval.verdict_recorded":
            drop_held(waiting.asked["approval"], only_people=True)
        people, said = waiting.people, asking(scene, waiting.asked, waiting.steps)
    elif entry.type in {"approval.reminded", "approval.escalated"}:
        people = still_asked(scene)
    elif entry.type == "approval.break_glass":
        people, event = told_of_emergency(scene), entry.type
    elif entry.type == "approval.settled":
        people, event = [trace.asker], entry.type
    else:
        return
    channels = channels_of(people, trace.workspace, event)
    _notify(channels, said or say(entry), event=event, occasion=occasion, at=entry.at, entry=entry)


def drop_held(approval: str, *, only_people: bool = False) -> None:
    """Nobody needs to be told any more that a settled request, or a filled step, waits: what is held back is not sent."""
    held = Notice.objects.filter(approval=approval, delivery__state=Delivery.State.QUEUED, delivery__attempts=0)
    held = held.exclude(channel__person=None) if only_people else held
    deliveries = set(held.values_list("delivery_id", flat=True))
    for delivery in Delivery.objects.select_for_update().filter(pk__in=deliveries, claimed_until=None).order_by("pk"):
        delivery.notices.filter(approval=approval).update(dropped=True)
        if not delivery.notices.filter(dropped=False).exists():
            delivery.state, delivery.ended_at = Delivery.State.SKIPPED, database_now()
            delivery.last_error = "It was decided before this was sent."
            delivery.save(update_fields=["state", "ended_at", "last_error"])


def tell_of_checkpoints() -> None:
    """A ledger that cannot be checkpointed is no entry of that ledger, so it is looked for (F13). Once a problem."""
    for log in Log.objects.exclude(problem="").select_related("workspace"):
        where = Q(workspace=log.workspace) if log.workspace else Q()
        channels = _channels(where, CHECKPOINT_FAILED)
        if not channels:
            continue
        whose = f"the ledger of {log.workspace.name}" if log.workspace else "the registry of ledgers"
        said = Said(f"No checkpoint of {whose} is signed", "/", (("Why", "Home says what does not hold."),))
        since = log.checkpoints.order_by("-number").values_list("number", flat=True).first() or 0
        with transaction.atomic():
            if Log.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=log.pk).values_list("pk"):
                _notify(channels, said, event=CHECKPOINT_FAILED, occasion=f"{log.pk} after {since}", at=database_now())


def _channels(where: Q, event: str) -> list[Channel]:
    found = Channel.objects.filter(where, person=None, state=Channel.State.ACTIVE)
    return [channel for channel in found if event in channel.events]


def _notify(
    channels: Iterable[Channel], said: Said, *, event: str, occasion: str, at: datetime, entry: Entry | None = None
) -> None:
    for channel in channels:
        if Notice.objects.filter(channel=channel, occasion=occasion).exists():
            continue
        Notice.objects.create(
            channel=channel, delivery=delivery_for(channel, urgent=EVENTS[event].urgent), event=event, occasion=occasion,
            approval=said.approval, title=said.title, facts=[list(fact) for fact in said.facts], path=said.path, at=at,
            due=said.due, entry_hash=entry.hash if entry else "",
        )  # fmt: skip


def schedule_of(channel: Channel) -> Schedule:
    """The channel's hours as a value."""
    return Schedule(
        channel.quiet_from, channel.quiet_to, tuple(channel.quiet_days), channel.urgent_through, channel.digest_min
    )


def delivery_for(channel: Channel, *, urgent: bool) -> Delivery:
    """A new message, or the one that is held back until the same moment. Inside a transaction."""
    now = database_now()
    at = schedule_of(channel).release_at(now, urgent=urgent)
    if at > now and channel.groups_notices:
        held = Delivery.objects.select_for_update().filter(
            channel=channel, state=Delivery.State.QUEUED, attempts=0, claimed_until=None, next_at=at, is_test=False
        )
        found = held.first()
        if found is not None:
            return found
    return Delivery.objects.create(channel=channel, next_at=at, created_at=now)
