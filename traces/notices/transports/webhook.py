"""A signed webhook after Standard Webhooks 1.0: `type`, `timestamp`, `data`, and three headers."""

import json
from typing import Any

from traces.canonical import instant
from traces.notices import signing
from traces.notices.message import Item, Message, Post, Target


def post(message: Message, target: Target) -> Post:
    """One event; several held back together are one event of type `notices`."""
    if len(message.items) == 1:
        item = message.items[0]
        whole: dict[str, Any] = {"type": item.event, "timestamp": instant(item.at), "data": _data(item)}
    else:
        last = max(item.at for item in message.items)
        events = [{"type": i.event, "timestamp": instant(i.at), "data": _data(i)} for i in message.items]
        whole = {"type": "notices", "timestamp": instant(last), "data": {"notices": events}}
    whole["workspace"] = message.workspace
    body = json.dumps(whole, ensure_ascii=False).encode()
    signed = signing.headers(target.secrets, message.id, int(target.at.timestamp()), body)
    return Post(target.url, body, {"Content-Type": "application/json", **signed})


def _data(item: Item) -> dict[str, Any]:
    return {
        "title": item.title,
        "facts": dict(item.facts),
        "url": item.url,
        "due": instant(item.due) if item.due else None,
        **item.reference,
    }
