"""Sends what is due: the second half of the notices clock. At least once, under one message id (Standard Webhooks).

INVARIANT: a message is claimed, sent outside any transaction, then marked under its attempt's number; a process that dies in
between leaves a claim that runs out, and the same message goes again. Held by tests/notices/test_crash.py.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from accounts.clock import database_now
from accounts.display.plain import plain
from traces.canonical import instant
from traces.notices.events import EVENTS
from traces.notices.message import Item, Message, NotDelivered, Undeliverable
from traces.notices.models import Channel, Delivery, Notice
from traces.notices.reach import deliver

logger = logging.getLogger("remit.notices")
# Longer than any attempt may take: connecting, sending and a mail server's slowest answers.
CLAIM = timedelta(seconds=60)
BACK_OFF_S = (5, 30, 120, 600, 1800, 3600, 3 * 3600)
MOST_ATTEMPTS = len(BACK_OFF_S) + 1


def due(most: int = 50, channel_id: str = "") -> list[str]:
    """Messages that may go now: the oldest of each channel (or of one), none of a channel that is being sent to."""
    now = database_now()
    queued = Delivery.objects.filter(state=Delivery.State.QUEUED, channel__state=Channel.State.ACTIVE)
    queued = queued.filter(channel=channel_id) if channel_id else queued
    busy = Delivery.objects.filter(channel=OuterRef("channel"), state=Delivery.State.QUEUED, claimed_until__gt=now)
    ready = (
        queued.filter(~Exists(busy), next_at__lte=now).order_by("channel_id", "next_at", "pk").distinct("channel_id")
    )
    return list(ready.values_list("pk", flat=True)[:most])


def send(delivery_id: str) -> Delivery:
    """One attempt, if it is due and nobody else's. Gives the row as it stands afterwards."""
    claimed = _claim(delivery_id)
    if claimed is None:
        return Delivery.objects.get(pk=delivery_id)
    try:
        deliver(claimed.channel, message_of(claimed), instant(database_now()))
    except Undeliverable as error:
        _end(claimed, Delivery.State.FAILED, str(error))
    except NotDelivered as error:
        _again(claimed, str(error))
    else:
        _end(claimed, Delivery.State.SENT, "")
    return Delivery.objects.get(pk=delivery_id)


def _claim(delivery_id: str) -> Delivery | None:
    with transaction.atomic():
        now = database_now()
        free = Q(claimed_until=None) | Q(claimed_until__lte=now)
        rows = Delivery.objects.select_for_update(of=("self",), skip_locked=True).select_related(
            "channel__workspace", "channel__person"
        )
        found = rows.filter(
            free, pk=delivery_id, state=Delivery.State.QUEUED, next_at__lte=now, channel__state=Channel.State.ACTIVE
        ).first()
        if found is None:
            return None
        if found.round >= MOST_ATTEMPTS:  # Whoever made the last one died.
            _end(found, Delivery.State.FAILED, f"{MOST_ATTEMPTS} attempts were made, and the last did not end.")
            return None
        found.attempts, found.round, found.claimed_until = found.attempts + 1, found.round + 1, now + CLAIM
        found.save(update_fields=["attempts", "round", "claimed_until"])
        return found


def _again(delivery: Delivery, problem: str) -> None:
    """Later, after a growing pause; after the last attempt it is dead until a person sends it again."""
    if delivery.round >= MOST_ATTEMPTS:
        _end(delivery, Delivery.State.FAILED, f"{problem} {MOST_ATTEMPTS} attempts were made.")
        return
    pause = timedelta(seconds=BACK_OFF_S[delivery.round - 1])
    _mark(delivery, claimed_until=None, next_at=database_now() + pause, last_error=problem[:200])


def _end(delivery: Delivery, state: Delivery.State, problem: str) -> None:
    _mark(delivery, state=state, claimed_until=None, ended_at=database_now(), last_error=problem[:200])


def _mark(delivery: Delivery, **columns: object) -> None:
    """Only under our own attempt: a later one knows better."""
    mine = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, state=Delivery.State.QUEUED)
    if not mine.update(**columns):
        logger.warning("Message %s was taken over by a later attempt.", delivery.pk)


def message_of(delivery: Delivery) -> Message:
    """What a delivery says. Links are to this installation's own address, whatever anybody wrote."""
    channel, notices = delivery.channel, list(delivery.notices.filter(dropped=False))
    settings_path = reverse("notices:mine") if channel.person_id else reverse("notices:list")
    return Message(
        id=delivery.pk,
        workspace=plain(channel.workspace.name),
        items=tuple(_item(notice) for notice in notices),
        urgent=any(notice.event in EVENTS and EVENTS[notice.event].urgent for notice in notices),
        settings_url=settings.REMIT_BASE_URL + settings_path,
    )


def _item(notice: Notice) -> Item:
    trace, _, seq = notice.occasion.partition(" ")
    numbered = bool(notice.entry_hash)
    reference = {"trace": trace, "seq": int(seq), "hash": notice.entry_hash} if numbered else {}
    facts = tuple((name, value) for name, value in notice.facts)
    url = settings.REMIT_BASE_URL + notice.path
    return Item(notice.event, notice.title, facts, url, notice.at, notice.due, reference)
