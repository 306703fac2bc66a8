"""Microsoft Teams workflow webhooks: an adaptive card of text runs, which know no markup."""

import json

from traces.notices.message import Item, Message, Post, Target

HOSTS = ("*.logic.azure.com", "*.api.powerplatform.com", "*.webhook.office.com")
MOST_ITEMS = 20


def post(message: Message, target: Target) -> Post:
    """One card in the form a workflow "post a card when a webhook request is received" takes."""
    blocks = [block for item in message.items[:MOST_ITEMS] for block in _blocks(item)]
    more = len(message.items) - MOST_ITEMS
    if more > 0:
        blocks.append(_link(f"{more} more in Remit", message.settings_url))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": message.title,
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    body = {"type": "message", "attachments": [attachment]}
    return Post(target.url, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _blocks(item: Item) -> list[dict[str, object]]:
    lines = [_text(item.title, weight="Bolder"), *(_text(f"{name}: {value}") for name, value in item.facts)]
    return [*lines, _link("Open in Remit", item.url)]


def _text(text: str, weight: str = "Default") -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": weight}]}


def _link(text: str, url: str) -> dict[str, object]:
    run = {"type": "TextRun", "text": text, "selectAction": {"type": "Action.OpenUrl", "url": url}}
    return {"type": "RichTextBlock", "inlines": [run]}
