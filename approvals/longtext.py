"""Long values of a payload: folded at first, opened by a link, and opened before what cannot be taken back is approved (R-23)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accounts.display.structure import as_words
from approvals.models import ApprovalRequest, Verdict

# Characters of one value that are shown before it is opened: about a screen.
LONGEST = 2000
_VALUES = ("old", "new", "denied", "agents")
Segments = Sequence[tuple[str, str]]


class NotOpened(Exception):
    """Somebody approves what they did not open. The message says what to open."""


def long_values(payload: Mapping[str, Any]) -> list[tuple[str, int]]:
    """`(name, characters)` of every value longer than a screen."""
    return [(name, len(text)) for name, text in _texts(payload) if len(text) > LONGEST]


def _texts(payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    edits = payload.get("edits") or {}
    for name, value in payload.get("beside", {}).items():
        yield name, max(map(as_words, edits.get(name, [value])), key=len)
    if payload["kind"] == "email":
        for part in ("to", "subject", "body"):
            yield part, "".join(map(as_words, edits.get(part, [payload.get(part, "")])))
        return
    for row in payload["rows"]:
        yield row["field"], max((as_words(row.get(name)) for name in _VALUES), key=len)


def must_open(request: ApprovalRequest) -> list[str]:
    """Names of the values that must have been opened before this is approved."""
    if request.displayed["reversibility"] != "irreversible":
        return []
    return [name for name, _ in long_values(request.displayed["payload"])]


def refuse_unopened(request: ApprovalRequest, *, choice: str, opened: bool) -> None:
    """Raises NotOpened for an approval of what cannot be taken back and was not shown whole."""
    names = must_open(request)
    if choice == Verdict.Choice.APPROVE and names and not opened:
        raise NotOpened(
            f"Show all of {', '.join(names)} first. This cannot be taken back, so it is approved whole or not."
        )


def folded_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a record with its long texts cut to a screen, and `folded` saying how long the longest is."""
    long = [name for name in _VALUES if len(as_words(row.get(name))) > LONGEST]
    cut = {name: as_words(row[name])[:LONGEST] for name in long}
    return {**row, **cut, "folded": max((len(as_words(row[name])) for name in long), default=0)}


def folded_value(value: Any) -> Any:
    """The first screen of a long value; a shorter one as it is."""
    text = as_words(value)
    return text[:LONGEST] if len(text) > LONGEST else value


def folded_segments(segments: Segments) -> list[tuple[str, str]]:
    """The first screen of an edited text."""
    left, found = LONGEST, []
    for kind, text in segments:
        if left <= 0:
            break
        found.append((kind, text[:left]))
        left -= len(text)
    return found
