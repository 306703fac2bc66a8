"""Two versions of a text of several lines, line by line: every line that changes whole, with the unchanged ones around it."""

import difflib
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

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
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    rows: list[SafeString] = []
    shown = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        rows += _skipped(group[0][1] - shown)
        for tag, i1, i2, j1, j2 in group:
            rows += _lines(tag, before[i1:i2], after[j1:j2])
        shown = group[-1][2]
    rows += _skipped(len(before) - shown)
    return format_html('<div class="lines">{}</div>', format_html_join("", "{}", ((row,) for row in rows)))


def _skipped(count: int) -> list[SafeString]:
    word = "line" if count == 1 else "lines"
    return [format_html('<div class="muted">{} unchanged {}</div>', count, word)] if count > 0 else []


def _lines(tag: str, before: list[str], after: list[str]) -> Iterator[SafeString]:
    if tag == "equal":
        yield from (format_html("<div>  {}</div>", _text(line)) for line in before)
        return
    yield from (_signed("-", line) for line in before)
    yield from (_signed("+", line) for line in after)


def _signed(sign: str, line: str) -> SafeString:
    element, word, mark = SIGNS[sign]
    text = '<div><{} class="whole"><span class="hidden-text">{} </span><i>{}</i> {}</{}></div>'
    return format_html(text, element, word, mark, _text(line), element)


def _text(line: str) -> SafeString:
    bare = line.rstrip("\n")
    return (
        visible(bare) if line.endswith("\n") else format_html('{}<span class="seen">no line end</span>', visible(bare))
    )
