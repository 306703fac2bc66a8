"""Recorded values as people read them: withheld ones by kind, differences with sign and word, amounts, durations."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

from accounts.display.lines import lines_changed, many_lines
from accounts.display.structure import as_json, has_parts, is_simple
from accounts.display.text import visible

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
WITHHELD = "$withheld"
SEGMENTS = {
    "removed": '<del><span class="hidden-text">removed </span><span>{}</span></del>',
    "added": '<ins><span class="hidden-text">added </span><span>{}</span></ins>',
}


@cache
def drawn(name: str, size: int = 15) -> str:
    """An icon that stands beside words, hidden from assistive technology. Raises IconDoesNotExist."""
    return lucide(name, size=size, aria_hidden="true", focusable="false")


def redacted(kind: str, *, erased: bool = False) -> SafeString:
    """A hatched chip with the kind of value: never blank, never as long as the value was. Erased: nobody has it any more."""
    gone = ", erased" if erased else ""
    return format_html('<span class="redacted">{}{}{}</span>', drawn("eye-off", 12), visible(kind), gone)


def shown(item: Any) -> SafeString:
    """Any recorded value: withheld ones as a chip, empty ones named, lists joined, texts made visible."""
    if isinstance(item, Mapping) and WITHHELD in item:
        return redacted(str(item[WITHHELD]), erased=bool(item.get("$erased")))
    if item is None or item == "":
        return format_html('<span class="muted">{}</span>', "not set" if item is None else "empty")
    if isinstance(item, bool):
        return format_html("{}", "true" if item else "false")
    if isinstance(item, list | tuple) and item and all(_withheld(one) or is_simple([one]) for one in item):
        return format_html_join(", ", "{}", ((shown(one),) for one in item))
    if isinstance(item, Mapping | list | tuple):
        return in_json(item)
    return visible(str(item))


def _withheld(item: Any) -> bool:
    return isinstance(item, Mapping) and WITHHELD in item


def value_text(item: Any, chip: str = "[withheld: {}]") -> str:
    """The same in words, for places without markup; `chip` says how a withheld value is named. Nothing for None."""
    if _withheld(item):
        return chip.format(item[WITHHELD])
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, list | tuple) and item and all(_withheld(one) or is_simple([one]) for one in item):
        return ", ".join(value_text(one, chip) for one in item)
    if isinstance(item, Mapping | list | tuple):
        return json.dumps(_named(item, chip), ensure_ascii=False, sort_keys=True)
    return "" if item is None else str(item)


def _named(item: Any, chip: str) -> Any:
    """A value with parts, each withheld one of them by its name alone."""
    if _withheld(item):
        return chip.format(item[WITHHELD])
    if isinstance(item, Mapping):
        return {name: _named(value, chip) for name, value in item.items()}
    return [_named(one, chip) for one in item] if isinstance(item, list | tuple) else item


def in_json(item: Any) -> SafeString:
    """A value with parts on one line: withheld parts as chips, texts in quotes and made visible, nothing left out."""
    if _withheld(item):
        return shown(item)
    if isinstance(item, Mapping):
        parts = ((visible(json.dumps(name, ensure_ascii=False)), in_json(item[name])) for name in sorted(item))
        return format_html("{{{}}}", format_html_join(", ", "{}: {}", parts))
    if isinstance(item, list | tuple):
        return format_html("[{}]", format_html_join(", ", "{}", ((in_json(one),) for one in item)))
    return visible(json.dumps(item, ensure_ascii=False))


def removed(item: Any, draw: Callable[[Any], SafeString] = shown) -> SafeString:
    """An old value: minus sign, strike and colour, and a word for those who see none of them."""
    return format_html('<del><span class="hidden-text">removed </span><i>−</i> <span>{}</span></del>', draw(item))


def added(item: Any, draw: Callable[[Any], SafeString] = shown) -> SafeString:
    """A new value."""
    return format_html('<ins><span class="hidden-text">added </span><i>+</i> <span>{}</span></ins>', draw(item))


def edited_text(segments: Iterable[tuple[str, str]]) -> SafeString:
    """A text with a person's edits in it: `(same | removed | added, text)` in order. White space is part of the text."""
    return format_html_join("", "{}", ((_segment(kind, text),) for kind, text in segments))


def _segment(kind: str, text: str) -> SafeString:
    return visible(text) if kind == "same" else format_html(SEGMENTS[kind], visible(text))


def difference(kind: str, old: Any, new: Any, denied: Any = None) -> SafeString:
    """One field's change; a denied value stays beside the kept one. Raises LookupError for a kind without words."""
    if kind == "kept_denied":
        mark = drawn("octagon-x")
        text = '<span class="soft">{} kept</span> <span class="status" data-tone="bad">{}<span>{} denied</span></span>'
        return format_html(text, shown(old), mark, shown(denied))
    if kind == "unchanged":
        return format_html('<span class="soft">{} unchanged</span>', shown(new))
    if kind == "added":
        return added(new)
    if kind == "removed":
        return removed(old)
    if kind in {"changed", "edited"}:
        return _changed(old, new)
    raise LookupError(f"{kind!r} is not a kind of change.")


def _changed(old: Any, new: Any) -> SafeString:
    """Texts of several lines and values with parts line by line; a text and a number that look alike as JSON."""
    if many_lines(old, new):
        return lines_changed(old, new)
    if has_parts(old) and has_parts(new) and not withheld_count([old, new]):
        return lines_changed(f"{as_json(old)}\n", f"{as_json(new)}\n")
    before, after = shown(old), shown(new)
    if before == after:
        before, after = in_json(old), in_json(new)
    return format_html("{} {}", removed(old, lambda _: before), added(new, lambda _: after))


def withheld_count(item: Any) -> int:
    """How many values inside `item` are withheld."""
    if isinstance(item, dict):  # Recorded values are plain JSON; asking for any mapping costs ten times as much.
        return 1 if WITHHELD in item else sum(map(withheld_count, item.values()))
    return sum(map(withheld_count, item)) if isinstance(item, list | tuple) else 0


def money_text(amount_minor: int, currency: str, digits: int) -> str:
    """`$240.00`, or `240.00 SEK` where the currency has no symbol here; `amount_minor` counts by that many digits."""
    sign, whole = ("−" if amount_minor < 0 else ""), abs(amount_minor)
    text = f"{whole // 10**digits:,}.{whole % 10**digits:0{digits}d}" if digits else f"{whole:,}"
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency}"


def duration_text(seconds: float | None) -> str:
    """`36 ms`, `0.2 s`, `6 min 22 s`, `2 h 5 min`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 0.095:
        return f"{round(seconds * 1000)} ms" if seconds else "0 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
