"""Template tags of the design: one closed status vocabulary, times with their zone, values made visible (ui.md 5, 8)."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

register = template.Library()

# word key -> (tone, icon, word). An unknown key raises.
STATUSES: dict[str, tuple[str, str, str]] = {
    "allowed": ("ok", "circle-check", "Allowed"),
    "passed": ("ok", "circle-check", "Passed"),
    "approved": ("ok", "circle-check", "Approved"),
    "done": ("ok", "circle-check", "Done"),
    "completed": ("ok", "circle-check", "Completed"),
    "verified": ("ok", "shield-check", "Verified"),
    "reversible": ("ok", "circle-check", "Reversible"),
    "escalated": ("warn", "circle-arrow-up", "Escalated"),
    "waiting": ("warn", "timer", "Waiting"),
    "running": ("warn", "timer", "Running"),
    "due": ("warn", "timer", "Due"),
    "denied": ("bad", "octagon-x", "Denied"),
    "rejected": ("bad", "octagon-x", "Rejected"),
    "failed": ("bad", "octagon-x", "Failed"),
    "unknown": ("bad", "octagon-x", "Outcome unknown"),
    "stopped": ("bad", "octagon-x", "Stopped"),
    "overdue": ("bad", "octagon-x", "Overdue"),
    "rolled_back": ("info", "undo-2", "Rolled back"),
    "expired": ("grey", "ban", "Expired"),
    "skipped": ("grey", "ban", "Skipped"),
    "withdrawn": ("grey", "ban", "Withdrawn"),
    "stale": ("grey", "ban", "Out of date"),
    "cant_undo": ("grey", "ban", "Can't be undone"),
    "open": ("warn", "timer", "Waiting"),
}
LEVELS = {"off": 0, "read": 1, "draft": 2, "approval": 3, "auto": 4, "tier": 2}
# Characters that hide or reorder text.
HIDDEN = frozenset(
    [
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0x200B, 0x2010),
        0x2060,
        0xFEFF,
        0x00AD,
        *range(0xE0000, 0xE0080),
    ]
)


class UnknownStatus(LookupError):
    """A status the design has no word for."""


@register.simple_tag
def icon(name: str, size: int = 15) -> str:
    """An icon beside words: hidden from assistive technology. An unknown name raises IconDoesNotExist."""
    return lucide(name, size=size, aria_hidden="true", focusable="false")


@register.simple_tag
def status(key: str, text: str = "", pill: bool = False) -> SafeString:
    """Word, icon, colour - in that order of importance. Raises UnknownStatus."""
    if key not in STATUSES:
        raise UnknownStatus(f"{key!r} is not in the status vocabulary.")
    tone, name, word = STATUSES[key]
    shape = "status pill" if pill else "status"
    return format_html(
        '<span class="{}" data-tone="{}">{}{}</span>', shape, tone, icon(name), visible_text(text or word)
    )


@register.simple_tag
def tier(mode: str, word: str = "") -> SafeString:
    """Four bars and the word. Raises UnknownStatus for a mode the design does not know."""
    if mode not in LEVELS:
        raise UnknownStatus(f"{mode!r} is not a mode.")
    bars = [(n * 4, 10 - n * 3, 3 + n * 3, "yes" if n < LEVELS[mode] else None) for n in range(4)]
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="3" height="{}"{}></rect>',
        ((x, y, height, format_html(' data-on="{}"', on) if on else "") for x, y, height, on in bars),
    )
    svg = format_html('<svg class="tier" width="16" height="13" viewBox="0 0 16 13" aria-hidden="true">{}</svg>', drawn)
    return format_html('<span class="row">{} {}</span>', svg, word or mode.capitalize())


@register.simple_tag
def when(at: datetime | None, style: str = "full") -> SafeString | str:
    """A `<time>` in UTC with the zone written; style is full, time, short or date."""
    if at is None:
        return ""
    utc = at.astimezone(UTC)
    forms = {"full": "%-d %b %Y %H:%M:%S UTC", "time": "%H:%M:%S", "milli": "%H:%M:%S.%f", "short": "%-d %b %H:%M UTC"}
    text = utc.strftime(forms[style])
    text = text[:-3] if style == "milli" else text
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', utc.isoformat(), utc.strftime("%d %b %Y %H:%M:%S UTC"), text
    )


@register.filter
def duration(seconds: float | None) -> str:
    """`0.2 s`, `6 min 22 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@register.filter
def visible_text(text: Any) -> SafeString:
    """Agent-supplied text with invisible and reordering characters shown as code points, and everything escaped (R-23)."""
    return format_html_join("", "{}", ((_visible(part),) for part in _parts(str(text))))


def _parts(text: str) -> list[str]:
    """Runs of plain characters, and each hidden character alone."""
    found: list[str] = [""]
    for character in text:
        if _is_hidden(character):
            found += [character, ""]
        else:
            found[-1] += character
    return [part for part in found if part]


def _is_hidden(character: str) -> bool:
    return ord(character) in HIDDEN or (unicodedata.category(character) in {"Cc", "Cf"} and character not in "\n\t")


def _visible(part: str) -> SafeString | str:
    return format_html('<span class="seen">U+{}</span>', f"{ord(part):04X}") if _is_hidden(part[0]) else part


@register.simple_tag
def value(item: Any) -> SafeString:
    """Any recorded value: withheld ones as a chip with their kind, empty ones named, texts made visible."""
    if isinstance(item, Mapping) and "$withheld" in item:
        return format_html('<span class="redacted">{}{}</span>', icon("eye-off", 12), item["$withheld"])
    if item is None:
        return format_html('<span class="muted">{}</span>', "not set")
    if item == "":
        return format_html('<span class="muted">{}</span>', "empty")
    if isinstance(item, bool):
        return format_html("{}", "true" if item else "false")
    return visible_text(item)


@register.simple_tag
def removed(item: Any) -> SafeString:
    """An old value: minus sign, strike and colour, and a word for those who see neither."""
    return format_html('<del><span class="hidden-text">removed </span>- {}</del>', value(item))


@register.simple_tag
def added(item: Any) -> SafeString:
    """A new value."""
    return format_html('<ins><span class="hidden-text">added </span>+ {}</ins>', value(item))


@register.simple_tag
def step_chip(number: int | None) -> SafeString | str:
    """The step number that threads through every section."""
    if not number:
        return ""
    return format_html('<span class="step"><span class="hidden-text">step </span>{}</span>', number)


@register.simple_tag
def avatar(name: str) -> SafeString:
    """Initials; the name always stands beside it."""
    initials = "".join(word[0] for word in name.split()[:2]).upper()
    return format_html('<span class="avatar" aria-hidden="true">{}</span>', initials)


@register.simple_tag
def short_id(text: str, prefix: int = 8) -> SafeString:
    """An id shortened in the middle, whole in its title, with a copy button."""
    shown = f"{text[:prefix]}…{text[-4:]}" if len(text) > prefix + 5 else text
    return format_html('<code title="{}">{}</code>', text, shown)
