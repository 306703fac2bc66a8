"""PagerDuty Events API v2. The dedup key is the message's id, so that the same message is one incident."""

import json

from traces.notices.message import Message, Post, Target

HOSTS = ("events.pagerduty.com", "events.eu.pagerduty.com")


def post(message: Message, target: Target) -> Post:
    """One trigger. The routing key stands in the body only."""
    item = message.items[0]
    body = {
        "routing_key": target.key,
        "event_action": "trigger",
        "dedup_key": message.id,
        "client": "Remit",
        "client_url": item.url,
        "links": [{"href": item.url, "text": "Open in Remit"}],
        "payload": {
            "summary": message.title[:1024],
            "source": message.workspace,
            "severity": "critical" if message.urgent else "info",
            "timestamp": item.at.isoformat(),
            "class": item.event,
            "custom_details": dict(item.facts),
        },
    }
    return Post(target.url, json.dumps(body).encode(), {"Content-Type": "application/json"})
