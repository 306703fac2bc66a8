"""Which of two values is the stricter one: the reach of a rule, a freeze's window. No words here."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from policies.engine.durations import seconds
from policies.engine.windows import Once, Weekly, window

_WEEK = 7 * 24 * 60


def _compared(*, wider: bool, narrower: bool) -> str:
    if wider and narrower:
        return "same"
    return "wider" if wider else "narrower" if narrower else "other"


def reach(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """How a `when` changed: same, wider, narrower or other. A missing or empty list is no restriction."""
    names = sorted(set(old) | set(new))
    pairs = [(frozenset(old.get(name) or ()), frozenset(new.get(name) or ())) for name in names]
    wider = all(_holds(after, before) for before, after in pairs)
    return _compared(wider=wider, narrower=all(_holds(before, after) for before, after in pairs))


def _holds(big: frozenset[str], small: frozenset[str]) -> bool:
    return not big or (bool(small) and small <= big)


def length(text: str | None, absent: int) -> int:
    """A duration in seconds, with what an absent one stands for."""
    return absent if text is None else seconds(text)


def span(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """How a freeze's time changed: same, wider, narrower or other. A span and a weekly window are never compared."""
    try:
        before, after = window(old), window(new)
    except ValueError:  # A time that no calendar has: nothing can be shown.
        return "other"
    if isinstance(before, Once) and isinstance(after, Once):
        wider = after.start <= before.start and after.end >= before.end
        return _compared(wider=wider, narrower=after.start >= before.start and after.end <= before.end)
    if isinstance(before, Weekly) and isinstance(after, Weekly):
        was, now = _minutes(before), _minutes(after)
        return _compared(wider=now >= was, narrower=now <= was)
    return "other"


def _minutes(weekly: Weekly) -> frozenset[int]:
    first = _minute(weekly.start)
    begins = [day * 24 * 60 + first for day in weekly.days]
    return frozenset((begin + minute) % _WEEK for begin in begins for minute in range(weekly.minutes))


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute
