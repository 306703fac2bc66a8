"""Small server-drawn pictures: tier bars and sparklines. Presentation attributes only, so the page needs no style."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.display.vocabulary import level_of

WIDTH, HEIGHT, MARGIN = 96, 28, 3


@cache
def bars(mode: str) -> SafeString:
    """Four bars, as many filled as the mode allows; a matrix has hundreds of a few kinds. Raises UnknownStatus."""
    level = level_of(mode)
    rects = ((n * 4, 9 - n * 2 - (n > 0), 3 + n * 2 + (n > 0), "on" if n < level else "off") for n in range(4))
    drawn = format_html_join("", '<rect x="{}" y="{}" width="3" height="{}" rx="1" class="{}"></rect>', rects)
    return format_html(
        '<svg class="bars" width="15" height="12" viewBox="0 0 15 12" aria-hidden="true">{}</svg>', drawn
    )


def spark(values: Sequence[float], title: str) -> SafeString | str:
    """A line over its own range with the last point marked; nothing for fewer than two values."""
    if len(values) < 2:
        return ""
    points = _points(values)
    line = " ".join(f"{x},{y}" for x, y in points)
    area = f"{MARGIN},{HEIGHT} {line} {points[-1][0]},{HEIGHT}"
    return format_html(
        '<svg class="spark" width="{}" height="{}" viewBox="0 0 {} {}" role="img"><title>{}</title>'
        '<polygon points="{}"></polygon><polyline points="{}"></polyline><circle cx="{}" cy="{}" r="2.5"></circle></svg>',
        WIDTH, HEIGHT, WIDTH, HEIGHT, title, area, line, *points[-1],
    )  # fmt: skip


def _points(values: Sequence[float]) -> list[tuple[float, float]]:
    low, span = min(values), (max(values) - min(values)) or 1
    across, up = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    return [
        (round(MARGIN + across * n / (len(values) - 1), 1), round(HEIGHT - MARGIN - up * (value - low) / span, 1))
        for n, value in enumerate(values)
    ]


@dataclass(frozen=True, slots=True)
class Stack:
    """One bar: its label, and `(data-key, amount)` from the bottom up."""

    label: str
    parts: Sequence[tuple[str, int]]


SLOT, BAR, TALL = 20, 12, 100


def stacked(stacks: Sequence[Stack], title: str) -> SafeString:
    """Bars on one scale, as wide as their place; words and numbers stand beside the picture, so that none is stretched."""
    most = scale(max((sum(amount for _, amount in stack.parts) for stack in stacks), default=0))
    marked, wide = sorted({0, most // 2, most}, reverse=True), SLOT * max(len(stacks), 1)
    rects = [rect for n, stack in enumerate(stacks) for rect in _rects(n, stack, most)]
    lines = ((y, wide, y) for y in (round(TALL - TALL * mark / most, 2) for mark in marked))
    return format_html(
        '<div class="plot"><div class="axis" aria-hidden="true">{}</div>'
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"><title>{}</title>{}{}</svg></div>',
        format_html_join("", "<span>{}</span>", ((f"{mark:,}",) for mark in marked)), wide, TALL, title,
        format_html_join("", '<line x1="0" y1="{}" x2="{}" y2="{}"></line>', lines),
        format_html_join("", '<rect data-key="{}" x="{}" y="{}" width="{}" height="{}"></rect>', rects),
    )  # fmt: skip


def scale(most: int) -> int:
    """The end of an axis that holds `most`: 2, 4, 6, 8 or 10 times a power of ten, so that its middle is a whole number."""
    unit: int = 10 ** (len(str(max(most, 1))) - 1)
    return next(step * unit for step in (2, 4, 6, 8, 10) if step * unit >= most)


def _rects(n: int, stack: Stack, most: int) -> Iterator[tuple[str, int, float, int, float]]:
    top = float(TALL)
    for key, amount in stack.parts:
        height = round(TALL * amount / most, 2)
        top -= height
        if amount:
            yield key, n * SLOT + (SLOT - BAR) // 2, round(top, 2), BAR, height
