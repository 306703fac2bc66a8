"""Two versions of a text of several lines, line by line: every line that changes whole, with the unchanged ones around it."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.display.compare import compared, replaced
from accounts.display.text import visible

# Unchanged lines shown on each side of a change; further ones are counted, as in a unified diff.
AROUND = 3
SIGNS = {"-": ("del", "removed", "−"), "+": ("ins", "added", "+")}


def many_lines(*texts: object) -> bool:
    """Whether these are texts, one of them of several lines."""
    return all(isinstance(text, str) for text in texts) and any("\n" in str(text).strip("\n") for text in texts)


def lines_changed(old: str, new: str) -> SafeString:
    """A unified diff. Nothing that changes is left out; a missing line end is said."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    steps = compared(before, after) or replaced(before, after)
    rows: list[SafeString] = []
    for number, (tag, i1, i2, j1, j2) in enumerate(steps):
        if tag == "equal":
            rows += _unchanged(before[i1:i2], head=bool(number), tail=number < len(steps) - 1)
        else:
            rows += [*(_signed("-", line) for line in before[i1:i2]), *(_signed("+", line) for line in after[j1:j2])]
    return format_html('<div class="lines">{}</div>', format_html_join("", "{}", ((row,) for row in rows)))


def _unchanged(lines: list[str], *, head: bool, tail: bool) -> list[SafeString]:
    """Those beside a change, before and behind; the others are counted."""
    first, last = AROUND * head, AROUND * tail
    if len(lines) <= first + last:
        return [_plain(line) for line in lines]
    end = len(lines) - last
    return [*map(_plain, lines[:first]), *_skipped(end - first), *map(_plain, lines[end:])]


def _skipped(count: int) -> list[SafeString]:
    word = "line" if count == 1 else "lines"
    return [format_html('<div class="muted">{} unchanged {}</div>', count, word)] if count > 0 else []


def _plain(line: str) -> SafeString:
    return format_html("<div>  {}</div>", _text(line))


def _signed(sign: str, line: str) -> SafeString:
    element, word, mark = SIGNS[sign]
    text = '<div><{} class="whole"><span class="hidden-text">{} </span><i>{}</i> {}</{}></div>'
    return format_html(text, element, word, mark, _text(line), element)


def _text(line: str) -> SafeString:
    bare = line.rstrip("\n")
    return (
        visible(bare) if line.endswith("\n") else format_html('{}<span class="seen">no line end</span>', visible(bare))
    )
