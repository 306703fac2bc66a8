"""The trace list: filters from the URL, rows, pages of 50."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from traces.models import Trace

PAGE = 50
OUTCOMES = dict(Trace.Outcome.choices)


def _plain(query: Mapping[str, Any], name: str) -> str:
    """A filter's text without U+0000, which PostgreSQL does not take."""
    return str(query.get(name, "")).replace("\x00", "")[:60]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to. Unknown values are dropped, so a typed URL still shows a page."""

    outcome: str = ""
    agent: str = ""
    person: str = ""
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "Filters":
        outcome = str(query.get("outcome", ""))
        page = str(query.get("page", "1"))
        return cls(
            outcome=outcome if outcome in OUTCOMES else "",
            agent=_plain(query, "agent"),
            person=_plain(query, "person"),
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    @property
    def active(self) -> dict[str, str]:
        """Filters in force: name -> value."""
        chosen = {"outcome": self.outcome, "agent": self.agent, "person": self.person}
        return {name: value for name, value in chosen.items() if value}

    def url(self, **changes: str) -> str:
        """The query string with some filters changed; an empty value removes one."""
        kept = {name: value for name, value in {**self.active, **changes}.items() if value}
        return f"?{urlencode(kept)}"


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    at: datetime
    title: str
    agent: str
    person: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Listing:
    rows: list[Row]
    chips: list[Chip]
    filters: dict[str, str]
    page: "Page[Trace]"
    next_url: str
    previous_url: str
    clear_url: str = "?"


def listing(traces: QuerySet[Trace], filters: Filters) -> Listing:
    """One page of traces."""
    found = traces.order_by("-created_at")
    if filters.outcome:
        found = found.filter(outcome=filters.outcome)
    if filters.agent:
        found = found.filter(agent__slug=filters.agent)
    if filters.person:
        found = found.filter(on_behalf_of_id=filters.person)
    page = Paginator(found, PAGE).get_page(filters.page)
    return Listing(
        rows=[_row(trace) for trace in page],
        chips=[_chip(filters, key, label) for key, label in [("", "All"), *OUTCOMES.items()]],
        filters=filters.active,
        page=page,
        next_url=filters.url(page=str(page.next_page_number())) if page.has_next() else "",
        previous_url=filters.url(page=str(page.previous_page_number())) if page.has_previous() else "",
    )


def _chip(filters: Filters, key: str, label: str) -> Chip:
    return Chip(label.replace("_", " ").capitalize(), filters.url(outcome=key), filters.outcome == key)


def _row(trace: Trace) -> Row:
    agent = trace.agent.name if trace.agent else trace.asker.name
    return Row(trace.pk, trace.created_at, trace.title, agent, trace.asker.name, trace.outcome)
