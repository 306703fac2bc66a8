"""Slack incoming webhooks. Titles are plain text; the only markup is our own link."""

import json

from traces.notices.message import Item, Message, Post, Target

HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
MOST_BLOCKS = 48  # Slack takes 50.


def post(message: Message, target: Target) -> Post:
    """One incoming-webhook message."""
    blocks = [block for item in message.items for block in _blocks(item)][:MOST_BLOCKS]
    footer = f"{_safe(message.workspace)} · {len(message.items)} in all · <{_safe(message.settings_url)}|Settings>"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": footer}]})
    body = {"text": _safe(message.title), "blocks": blocks}
    return Post(target.url, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _blocks(item: Item) -> list[dict[str, object]]:
    lines = "\n".join([item.title, *(f"{name}: {value}" for name, value in item.facts)])
    link = f"<{_safe(item.url)}|Open in Remit>"
    return [
        {"type": "section", "text": {"type": "plain_text", "text": lines[:2900], "emoji": False}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": link}]},
    ]


def _safe(text: str) -> str:
    """Slack's three control characters as entities, so that no text becomes a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
