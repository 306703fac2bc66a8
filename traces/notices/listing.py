"""What the pages of notices list: channels with their last message, and the delivery log under its filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from traces.notices.models import Channel, Delivery
from traces.notices.send import MOST_ATTEMPTS

PAGE = 50
WORDS = {
    Delivery.State.QUEUED: ("waiting", "Queued"),
    Delivery.State.SENT: ("done", "Sent"),
    Delivery.State.FAILED: ("failed", "Failed"),
    Delivery.State.SKIPPED: ("skipped", "Skipped"),
}


def channel_rows(channels: QuerySet[Channel]) -> list[dict[str, Any]]:
    """Each channel with the newest message that ended; one query for all of them."""
    last = {
        one.channel_id: one
        for one in Delivery.objects.filter(channel__in=channels)
        .exclude(ended_at=None)
        .order_by("channel_id", "-ended_at")
        .distinct("channel_id")
        .prefetch_related("notices")
    }
    return [{"channel": one, "last": told(last[one.pk]) if one.pk in last else None} for one in channels]


def told(delivery: Delivery) -> dict[str, Any]:
    """One message as a row."""
    status, word = WORDS[Delivery.State(delivery.state)]
    titles = [notice.title for notice in delivery.notices.all() if not notice.dropped]
    return {
        "delivery": delivery, "status": status, "word": word, "title": titles[0] if titles else "Nothing left to say",
        "more": max(len(titles) - 1, 0), "dead": delivery.state == Delivery.State.FAILED, "most": MOST_ATTEMPTS,
        "can_repeat": delivery.state in {Delivery.State.FAILED, Delivery.State.SKIPPED},
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Log:
    """One page of the delivery log, with its filters as links."""

    rows: list[dict[str, Any]]
    chips: list[dict[str, Any]]
    filters: int
    clear_url: str
    next_url: str


def log(visible: QuerySet[Delivery], query: Mapping[str, str]) -> Log:
    """Newest first. An unknown state or channel filters everything out, as a stale link should."""
    state, channel = query.get("state", ""), query.get("channel", "")
    found = visible.filter(state=state) if state else visible
    found = found.filter(channel_id=channel) if channel else found
    page = int(query["page"]) if query.get("page", "").isdecimal() and len(query["page"]) < 5 else 0
    rows = list(found.prefetch_related("notices")[page * PAGE : (page + 1) * PAGE + 1])
    address = reverse("notices:log")
    kept = {"channel": channel} if channel else {}
    chips = [("", "All"), *((one.value, WORDS[one][1]) for one in Delivery.State)]
    return Log(
        rows=[told(row) for row in rows[:PAGE]],
        chips=[
            {"label": word, "current": key == state, "href": _url(address, {**({"state": key} if key else {}), **kept})}
            for key, word in chips
        ],
        filters=bool(state) + bool(channel),
        clear_url=address,
        next_url=_url(address, {"state": state, **kept, "page": str(page + 1)}) if len(rows) > PAGE else "",
    )


def _url(address: str, query: Mapping[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address
