"""Verbs on channels, messages and the egress list. Each stands in the governance chain, in the transaction of the change.

No URL, key or secret stands there in any form: a channel is told by its name, its kind and its host.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction

from accounts.access import NotVisible, require
from accounts.actors import Actor
from accounts.acts import compared
from accounts.clock import database_now
from accounts.egress import Egress, EgressRefused
from accounts.models import User, Workspace
from accounts.permissions import Permission
from traces.canonical import instant
from traces.ledger import Sensitive
from traces.notices import signing
from traces.notices.access import get_channel_for, get_delivery_for
from traces.notices.events import EVENTS, PERSONAL
from traces.notices.models import AllowedHost, Channel, Delivery, Notice
from traces.notices.people import personal_channel
from traces.notices.project import schedule_of
from traces.notices.reach import egress_of, opened, sealed, stranger
from traces.notices.schedule import Schedule
from traces.services import record_governance

Kind, State = Channel.Kind, Channel.State
# A host name or an IPv4 address; a wildcard stands for what is below at least two labels, never below a top-level domain.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*\.{_LABEL}\.)?{_LABEL}(?:\.{_LABEL})*")
ROTATION = timedelta(hours=24)
MOST_RECIPIENTS = 50


class NoticeRefused(ValueError):
    """Something that cannot be done; nothing was changed. `field` names the input at fault."""

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A channel as a person describes it. Empty `url` and `key` keep what is stored."""

    kind: str
    name: str
    events: tuple[str, ...]
    schedule: Schedule = field(default_factory=Schedule)
    url: str = ""
    key: str = ""
    to: tuple[str, ...] = ()


def save_channel(
    *, actor: Actor, user: User, workspace: Workspace, wanted: Wanted, channel_id: str = ""
) -> tuple[Channel, str]:
    """Make a channel, or change one. Gives it with a new webhook's signing secret, which is never shown again.

    Raises NoticeRefused, Forbidden or NotVisible. A URL is judged exactly as it is at delivery (R-32).
    """
    require(user, Permission.NOTICE_MANAGE, workspace)
    _refuse(wanted, known=EVENTS)
    with transaction.atomic():
        channel = get_channel_for(user, channel_id, lock=True) if channel_id else _new(workspace, wanted.kind)
        held, was = opened(channel), _shown_beside(channel) if channel_id else {}
        contents = _contents(workspace, channel.kind, wanted, held)
        secret = ""
        if channel.kind == Kind.WEBHOOK and not held.get("secrets"):
            secret = signing.new_secret()
            contents["secrets"] = [{"key": secret, "until": None}]
        channel.name, channel.sealed, channel.shown = wanted.name.strip(), sealed(contents), _shown(contents)
        _keep(channel, wanted.events, wanted.schedule)
        people = {"recipients": [Sensitive(address, "email") for address in contents.get("to", ())]}
        _ledger(actor, channel, "channel.saved", {**_told(channel), **people, **compared(was, _shown_beside(channel))})
    return channel, secret


def save_personal(*, actor: Actor, user: User, workspace: Workspace, wanted: Wanted, told: bool) -> Channel:
    """What a person is told of for themself, and when. Their own to say, so no governance entry. Raises NoticeRefused."""
    _refuse(wanted, known=PERSONAL)
    with transaction.atomic():
        channel = Channel.objects.select_for_update().get(pk=personal_channel(user, workspace).pk)
        channel.state = State.ACTIVE if told else State.PAUSED
        _keep(channel, wanted.events, wanted.schedule)
        if not told:
            _skip_queued(channel, "You chose not to be told.")
    return channel


def _new(workspace: Workspace, kind: str) -> Channel:
    if kind not in Kind.values:
        raise NoticeRefused("kind", "Choose email, Slack, Teams, PagerDuty or a signed webhook.")
    return Channel(workspace=workspace, kind=kind, created_at=database_now())


def _keep(channel: Channel, events: tuple[str, ...], hours: Schedule) -> None:
    channel.events = list(events)
    channel.quiet_from, channel.quiet_to, channel.quiet_days = hours.quiet_from, hours.quiet_to, list(hours.quiet_days)
    channel.urgent_through, channel.digest_min = hours.urgent_through, hours.digest_min
    channel.save()


def _refuse(wanted: Wanted, *, known: Any) -> None:
    if not wanted.name.strip():
        raise NoticeRefused("name", "Give it a name.")
    if any(event not in known for event in wanted.events):
        raise NoticeRefused("events", "One of these events does not exist.")
    if (wanted.schedule.quiet_from is None) != (wanted.schedule.quiet_to is None):
        raise NoticeRefused("quiet_to", "Quiet hours have a beginning and an end.")
    if wanted.schedule.quiet_from is not None and not wanted.schedule.quiet_days:
        raise NoticeRefused("quiet_days", "Choose the days on which quiet hours begin.")
    if wanted.schedule.never:
        raise NoticeRefused("quiet_days", "These quiet hours leave no moment to send in.")


def _contents(workspace: Workspace, kind: str, wanted: Wanted, held: dict[str, Any]) -> dict[str, Any]:
    """What is sealed: the target as wanted, and the secrets there already are. Raises NoticeRefused."""
    if kind == Kind.EMAIL:
        return {"to": _recipients(workspace, wanted.to)}
    url, key = wanted.url.strip() or held.get("url", ""), wanted.key.strip() or held.get("key", "")
    if not url:
        raise NoticeRefused("secret_url", "Give the URL it posts to.")
    if kind == Kind.PAGERDUTY and not key:
        raise NoticeRefused("secret_key", "Give the routing key of the PagerDuty integration.")
    try:
        egress_of(workspace, kind).pin(url)
    except EgressRefused as error:
        raise NoticeRefused("secret_url", str(error)) from error
    return {"url": url, "key": key if kind == Kind.PAGERDUTY else "", "secrets": held.get("secrets", [])}


def _recipients(workspace: Workspace, to: tuple[str, ...]) -> list[str]:
    addresses = sorted({address.strip().lower() for address in to if address.strip()})
    if not 1 <= len(addresses) <= MOST_RECIPIENTS:
        raise NoticeRefused("to", f"Name from 1 to {MOST_RECIPIENTS} addresses.")
    for address in addresses:
        if stranger(workspace, address):
            raise NoticeRefused("to", f"{address} is no member here, and its domain is not on the egress list.")
    return addresses


def _shown(contents: dict[str, Any]) -> str:
    if "to" in contents:
        count = len(contents["to"])
        return f"{count} recipient{'s' if count != 1 else ''}"
    return Egress.host_of(contents["url"])


def _told(channel: Channel) -> dict[str, Any]:
    hours = schedule_of(channel)
    quiet = {"from": _clock(hours.quiet_from), "to": _clock(hours.quiet_to), "days": list(hours.quiet_days)}
    return {
        "target": channel.shown, "events": channel.events, "quiet": quiet, "urgent_through": hours.urgent_through,
        "digest_min": hours.digest_min,
    }  # fmt: skip


def _shown_beside(channel: Channel) -> dict[str, Any]:
    """What the audit log sets side by side of a channel before and after."""
    return {"name": channel.name, **_told(channel)}


def _clock(at: time | None) -> str:
    return at.strftime("%H:%M") if at else ""


def _ledger(actor: Actor, channel: Channel, verb: str, body: dict[str, Any]) -> None:
    about = {"channel": channel.pk, "name": channel.name, "kind": channel.kind}
    record_governance(actor=actor, workspace_id=channel.workspace_id, type=verb, body={**about, **body})


def set_state(*, actor: Actor, user: User, channel_id: str, state: str) -> Channel:
    """Pause a channel, let it go on, or remove it for good with its secrets. Raises Forbidden or NotVisible."""
    verbs = {State.PAUSED: "channel.paused", State.ACTIVE: "channel.resumed", State.REMOVED: "channel.removed"}
    with transaction.atomic():
        channel = _managed(user, channel_id)
        if channel.state == state:
            return channel
        channel.state = state
        if state == State.REMOVED:
            channel.sealed = ""
        channel.save(update_fields=["state", "sealed"])
        if state != State.ACTIVE:
            _skip_queued(channel, f"The channel was {state}.")
        _ledger(actor, channel, verbs[State(state)], {})
    return channel


def _managed(user: User, channel_id: str) -> Channel:
    """One channel of the workspace under a lock, for somebody who may change it."""
    channel = get_channel_for(user, channel_id, lock=True)
    require(user, Permission.NOTICE_MANAGE, channel.workspace)
    return channel


def _skip_queued(channel: Channel, why: str) -> None:
    waiting = Delivery.objects.filter(channel=channel, state=Delivery.State.QUEUED)
    waiting.update(state=Delivery.State.SKIPPED, last_error=why, ended_at=database_now())


def rotate_secret(*, actor: Actor, user: User, channel_id: str) -> tuple[Channel, str]:
    """A new signing secret; the one before it stays valid for 24 h beside it. Shown once.

    Raises NoticeRefused, Forbidden or NotVisible.
    """
    with transaction.atomic():
        channel = _managed(user, channel_id)
        if channel.kind != Kind.WEBHOOK:
            raise NoticeRefused("kind", "Only a webhook has a signing secret.")
        held, fresh, now = opened(channel), signing.new_secret(), database_now()
        before = [{**held["secrets"][0], "until": instant(now + ROTATION)}]
        channel.sealed = sealed({**held, "secrets": [{"key": fresh, "until": None}, *before]})
        channel.save(update_fields=["sealed"])
        _ledger(actor, channel, "channel.secret_rotated", {"old_valid_until": before[0]["until"]})
    return channel, fresh


def make_test(*, actor: Actor, user: User, channel_id: str) -> Delivery:
    """A test message, due now, past quiet hours and digest. Whoever calls sends it, by the way of every message (R-32).

    Raises NoticeRefused, Forbidden or NotVisible.
    """
    with transaction.atomic():
        channel = _managed(user, channel_id)
        if not channel.is_active:
            raise NoticeRefused("state", "Resume the channel first.")
        now = database_now()
        delivery = Delivery.objects.create(channel=channel, next_at=now, created_at=now, is_test=True)
        Notice.objects.create(
            channel=channel, delivery=delivery, event="test", occasion=f"test {delivery.pk}",
            title="Test from Remit: this channel works", facts=[["Asked for by", actor.name]], path="/", at=now,
        )  # fmt: skip
        _ledger(actor, channel, "channel.tested", {"delivery": delivery.pk})
    return delivery


def send_again(*, actor: Actor, user: User, delivery_id: str) -> Delivery:
    """Queue a failed or skipped message once more, under its own id. Raises NoticeRefused, Forbidden or NotVisible."""
    with transaction.atomic():
        delivery = get_delivery_for(user, delivery_id, lock=True)
        require(user, Permission.NOTICE_MANAGE, delivery.channel.workspace)
        if delivery.state not in {Delivery.State.FAILED, Delivery.State.SKIPPED}:
            raise NoticeRefused("state", "Only a message that failed or was skipped is sent again.")
        if not delivery.channel.is_active:
            raise NoticeRefused("state", "Resume the channel first.")
        delivery.notices.update(dropped=False)
        delivery.state, delivery.round, delivery.ended_at = Delivery.State.QUEUED, 0, None
        delivery.next_at, delivery.last_error = database_now(), ""
        delivery.save()
        _ledger(actor, delivery.channel, "delivery.sent_again", {"delivery": delivery.pk})
    return delivery


def allow_host(*, actor: Actor, user: User, workspace: Workspace, host: str) -> AllowedHost:
    """Let notices of a workspace reach a host, or mail a domain. Raises NoticeRefused or Forbidden."""
    require(user, Permission.NOTICE_MANAGE, workspace)
    name = host.strip().lower().rstrip(".")
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise NoticeRefused("host", "Give a host name such as hooks.example.com, or *.example.com for all below it.")
    with transaction.atomic():
        found, made = AllowedHost.objects.get_or_create(
            workspace=workspace, host=name, defaults={"added_at": database_now()}
        )
        if made:
            record_governance(actor=actor, workspace_id=workspace.pk, type="egress.allowed", body={"host": name})
    return found


def remove_host(*, actor: Actor, user: User, workspace: Workspace, host: str) -> None:
    """Take a host off the list; from the next attempt on nothing goes there. Raises Forbidden or NotVisible."""
    require(user, Permission.NOTICE_MANAGE, workspace)
    with transaction.atomic():
        gone, _ = AllowedHost.objects.filter(workspace=workspace, host=host).delete()
        if not gone:
            raise NotVisible("host")
        record_governance(actor=actor, workspace_id=workspace.pk, type="egress.removed", body={"host": host})


def reseal_channels() -> int:
    """Seal every channel's secrets with the newest key. Inside a transaction. Raises SealBroken."""
    channels = Channel.objects.select_for_update(of=("self",)).exclude(sealed="").order_by("pk")
    for channel in channels:
        channel.sealed = sealed(opened(channel))
        channel.save(update_fields=["sealed"])
    return len(channels)


def next_release(channel: Channel, now: datetime) -> datetime:
    """When something ordinary that happened now would go out."""
    return schedule_of(channel).release_at(now, urgent=False)
