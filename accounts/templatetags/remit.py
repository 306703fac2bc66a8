"""The design's template tags. Thin: words, marks and values are made in `accounts.display`; all are escaped."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from html import unescape
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from accounts.display import marks, values
from accounts.display.plain import plain
from accounts.display.text import visible
from accounts.display.vocabulary import status_of

register = template.Library()

WHEN = {
    "full": "%-d %b %Y %H:%M:%S UTC",
    "short": "%-d %b %H:%M UTC",
    "clock": "%H:%M UTC",
    "date": "%-d %b",
    "time": "%H:%M:%S",
    "milli": "%H:%M:%S.%f",
}


@register.simple_tag
def icon(name: str, size: int = 15) -> str:
    """An icon beside words. An unknown name raises IconDoesNotExist."""
    return values.drawn(name, size)


@register.simple_tag
def status(key: str, text: str | int = "", pill: bool = False) -> SafeString:
    """Word, icon, colour - in that order of importance; a number may stand for the word. Raises UnknownStatus."""
    return _status(key, str(text), pill)


# The same few words stand hundreds of times on a long page.
@lru_cache(maxsize=512)
def _status(key: str, text: str, pill: bool) -> SafeString:
    found = status_of(key)
    shape = "status pill" if pill else "status"
    shown = visible(text or found.word)
    return format_html(
        '<span class="{}" data-tone="{}">{}<span>{}</span></span>', shape, found.tone, icon(found.icon), shown
    )


@register.simple_tag
@lru_cache(maxsize=64)
def tier(mode: str, word: str = "") -> SafeString:
    """Four bars and the word. Raises UnknownStatus for a mode the design does not know."""
    return format_html('<span class="tier">{} {}</span>', marks.bars(mode), word or mode.capitalize())


@register.simple_tag
def when(at: datetime | None, style: str = "full") -> SafeString | str:
    """A `<time>` in UTC; style is full, short, clock, date, time, milli or day (`Today 02:03:09 UTC`).

    `time` and `milli` leave the zone to the heading above them; the whole instant stands in the title.
    """
    if at is None:
        return ""
    utc = at.astimezone(UTC)
    text = _day(utc) if style == "day" else utc.strftime(WHEN[style])
    shown = text[:-3] if style == "milli" else text
    # Digits and words of ours: there is nothing to escape.
    return SafeString(f'<time datetime="{utc.isoformat()}" title="{utc.strftime(WHEN["full"])}">{shown}</time>')


def _day(utc: datetime) -> str:
    today = utc.date() == timezone.now().astimezone(UTC).date()
    return f"Today {utc:%H:%M:%S} UTC" if today else utc.strftime(WHEN["full"])


@register.filter
def duration(seconds: float | None) -> str:
    """`0.2 s`, `6 min 22 s`, `2 h 5 min`."""
    return values.duration_text(seconds)


@register.simple_tag
def money(amount_minor: int, currency: str, digits: int) -> str:
    """An amount in minor units with its currency, which has so many digits after its point."""
    return values.money_text(amount_minor, currency, digits)


@register.filter
def visible_text(text: Any) -> SafeString:
    """Text that an agent or a record supplied: escaped, hidden characters as code points, look-alikes flagged (R-23)."""
    return visible(str(text))


@register.filter
def plain_text(rendered: Any) -> SafeString:
    """What a template rendered where no mark can stand, such as a title: the same signs named in plain text (R-23)."""
    return escape(plain(unescape(str(rendered))))


@register.simple_tag
def value(item: Any) -> SafeString:
    """Any recorded value: withheld ones as a chip with their kind, empty ones named, texts made visible."""
    return values.shown(item)


@register.simple_tag
def redacted(kind: str) -> SafeString:
    """The chip of a withheld value, naming its kind."""
    return values.redacted(kind)


@register.simple_tag
def removed(item: Any) -> SafeString:
    """An old value."""
    return values.removed(item)


@register.simple_tag
def added(item: Any) -> SafeString:
    """A new value."""
    return values.added(item)


@register.simple_tag
def diff_value(kind: str, old: Any, new: Any, denied: Any = None) -> SafeString:
    """One field's change by kind: added, changed, edited, removed, unchanged or kept_denied. Raises LookupError otherwise."""
    return values.difference(kind, old, new, denied)


@register.simple_tag
def edited(segments: Iterable[tuple[str, str]]) -> SafeString:
    """A text with a person's edits in it, from `(same | removed | added, text)`."""
    return values.edited_text(segments)


@register.filter
def withheld_count(item: Any) -> int:
    """How many values inside are withheld."""
    return values.withheld_count(item)


@register.simple_tag
def step_chip(number: int | None) -> SafeString | str:
    """The step number that threads through every section."""
    if not number:
        return ""
    return SafeString(f'<span class="step"><span class="hidden-text">step </span>{int(number)}</span>')


@register.simple_tag
def avatar(name: str) -> SafeString:
    """Initials; the name always stands beside it."""
    initials = "".join(word[0] for word in name.split()[:2]).upper()
    return format_html('<span class="avatar" aria-hidden="true">{}</span>', initials)


@register.simple_tag
def short_id(text: str, prefix: int = 8) -> SafeString:
    """An id shortened in the middle, whole in its title and in its copy button."""
    shown = f"{text[:prefix]}…{text[-4:]}" if len(text) > prefix + 5 else text
    return format_html(
        '<span class="id"><code title="{}">{}</code><button class="copy" type="button" data-copy="{}">{}'
        '<span class="hidden-text">Copy {}</span></button></span>',
        text, shown, text, icon("copy", 13), text,
    )  # fmt: skip


@register.simple_tag
def sparkline(numbers: Sequence[float], title: str) -> SafeString | str:
    """A small line of recent values; `title` says in words what it shows."""
    return marks.spark(numbers, title)


@register.simple_tag
def stacked_bars(stacks: Sequence[marks.Stack], title: str) -> SafeString:
    """Bars side by side; the page shows the same as a table."""
    return marks.stacked(stacks, title)
