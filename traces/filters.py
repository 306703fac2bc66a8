"""What a list of traces is narrowed to, read from the URL and written back to it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.dateparse import parse_date, parse_datetime

from traces.models import Trace

OUTCOMES = dict(Trace.Outcome.choices)
# Query name -> the word a person reads. `from` and `to` are words of Python, so their attributes have other names.
LABELS = {
    "q": "Words",
    "outcome": "Outcome",
    "agent": "Agent",
    "tool": "Tool",
    "person": "Person",
    "record": "Record",
    "policy": "Policy version",
    "rule": "Rule fired",
    "from": "From",
    "to": "Until",
}
_ATTRIBUTES = {"from": "since", "to": "until"}
_LONGEST = 120
_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_OFFSET = re.compile(r"(T\d{2}:\d{2}\S*) (\d{2}:?\d{2})$")


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters in force. Values that say nothing are dropped and named in `problems`, so a typed URL still shows a page."""

    q: str = ""
    outcome: str = ""
    agent: str = ""
    tool: str = ""
    person: str = ""
    record: str = ""
    policy: str = ""
    rule: str = ""
    since: str = ""
    until: str = ""
    problems: tuple[str, ...] = ()

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "Filters":
        given = {name: _plain(query, name) for name in LABELS}
        problems = [_no_time(name, given[name]) for name in ("from", "to") if given[name] and not _time(given[name])]
        if given["outcome"] and given["outcome"] not in OUTCOMES:
            problems.append(f"outcome: “{given['outcome']}” is no outcome. Choose one of the chips. It was left out.")
            given["outcome"] = ""
        kept = {name: value for name, value in given.items() if name not in _ATTRIBUTES or _time(value)}
        kept = {name: _sent(value) if name in _ATTRIBUTES else value for name, value in kept.items()}
        if "from" in kept and "to" in kept and instant_of(kept["from"]) > _end_of(kept["to"]):
            problems.append("to: it lies before from, so nothing can match. Exchange them.")
        return cls(**{_ATTRIBUTES.get(name, name): value for name, value in kept.items()}, problems=tuple(problems))

    @property
    def active(self) -> dict[str, str]:
        """Filters in force: query name -> value."""
        values = {name: getattr(self, _ATTRIBUTES.get(name, name)) for name in LABELS}
        return {name: value for name, value in values.items() if value}

    @property
    def windowed(self) -> bool:
        """Whether they name a time from or until which."""
        return bool(self.since or self.until)

    @property
    def begins(self) -> datetime | None:
        """The first instant asked for; None where none is named."""
        return instant_of(self.since) if self.since else None

    @property
    def ends(self) -> datetime | None:
        """The last one, with it: of a date, the end of that day."""
        return _end_of(self.until) if self.until else None

    def within(self, field: str, last: str = "") -> Q:
        """That `field` does not lie before it begins, nor `last`, where it is another, after it ends."""
        ends = [(f"{field}__gte", self.begins), (f"{last or field}__lte", self.ends)]
        return Q(*[end for end in ends if end[1]])

    def url(self, **changes: str) -> str:
        """The query string with some filters changed; an empty value removes one. Pages begin anew."""
        kept = {name: value for name, value in {**self.active, **changes}.items() if value}
        return f"?{urlencode(kept)}"


def instant_of(text: str) -> datetime:
    """A time as `2026-11-21T02:00`, with an offset or in UTC, or a date. Raises ValueError."""
    found = _time(text)
    if found is None:
        raise ValueError(f"“{text}” is no time.")
    return found


def _end_of(text: str) -> datetime:
    found = instant_of(text)
    return datetime.combine(found.date(), time.max, UTC) if _DAY.fullmatch(text) else found


def _sent(text: str) -> str:
    """A `+` typed into an address arrives as a space; before an offset it was one."""
    return _OFFSET.sub(r"\1+\2", text)


def _time(text: str) -> datetime | None:
    text = _sent(text)
    try:
        day = parse_date(text) if _DAY.fullmatch(text) else None
        found = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(text)
    except ValueError:
        return None
    if found is None:
        return None
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _no_time(name: str, text: str) -> str:
    return f"{name}: “{text}” is no time. Write it as 2026-11-21T02:00, in UTC. It was left out."


def _plain(query: Mapping[str, Any], name: str) -> str:
    """A filter's text without U+0000, which PostgreSQL does not take."""
    return str(query.get(name, "")).replace("\x00", "").strip()[:_LONGEST]
