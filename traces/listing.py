"""The trace list: rows, chips and pages of 50 that go on from the last row rather than count from the first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.access import has_permission
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from traces.access import traces_visible_to
from traces.canonical import instant, parse_instant
from traces.filters import LABELS, OUTCOMES, Filters
from traces.finding import narrowed
from traces.models import SavedView, Trace

PAGE = 50
_PLACE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)~(trc_[0-9A-Z]{26})")


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the filter form."""

    name: str
    label: str
    value: str


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
    # One for each filter in force; its address is the list without it.
    chosen: list[Chip]
    fields: list[Field]
    agents: list[tuple[str, str]]
    saved: list[SavedView]
    problems: tuple[str, ...]
    outcome: str
    query: str
    next_url: str
    previous_url: str
    clear_url: str = "?"


def listing(user: User, workspace: Workspace, query: Mapping[str, Any], saved: list[SavedView]) -> Listing:
    """One page of the traces this person may see that match the filters in a query string, newest first."""
    filters = Filters.from_query(query)
    rows, newer, older = _page(narrowed(traces_visible_to(user, workspace), workspace, filters), query)
    return Listing(
        rows=[_row(trace) for trace in rows],
        chips=[_chip(filters, key, label) for key, label in [("", "All"), *OUTCOMES.items()]],
        chosen=chosen_chips(filters),
        fields=form_fields(filters, [name for name in LABELS if name != "outcome"]),
        agents=agents_for(user, workspace),
        saved=saved,
        problems=filters.problems,
        outcome=filters.outcome,
        query=filters.url(),
        next_url=filters.url(after=_place(rows[-1])) if older else "",
        previous_url=filters.url(before=_place(rows[0])) if newer else "",
    )


def chosen_chips(filters: Filters) -> list[Chip]:
    """The filters in force, each with the address of the page without it."""
    return [Chip(f"{LABELS[name]}: {value}", filters.url(**{name: ""}), True) for name, value in filters.active.items()]


def form_fields(filters: Filters, names: Sequence[str]) -> list[Field]:
    """The inputs of the filter form, with what is in force."""
    return [Field(name, LABELS[name], filters.active.get(name, "")) for name in names]


def agents_for(user: User, workspace: Workspace) -> list[tuple[str, str]]:
    """`(slug, name)` of agents to choose from: all of them, or for members those that acted for them."""
    found = Agent.objects.filter(workspace=workspace)
    if not has_permission(user, Permission.AGENT_VIEW, workspace):
        found = found.filter(traces__on_behalf_of=user).distinct()
    return list(found.values_list("slug", "name"))


def _page(found: QuerySet[Trace], query: Mapping[str, Any]) -> tuple[list[Trace], bool, bool]:
    """`(traces, whether newer ones exist, whether older ones do)`. A place that says nothing begins anew."""
    after, before = _read(query, "after"), _read(query, "before")
    if before and not after:
        at, key = before
        newer = found.filter(created_at__gte=at).exclude(created_at=at, pk__lte=key)
        rows = list(newer.order_by("created_at", "pk")[: PAGE + 1])
        return rows[:PAGE][::-1], len(rows) > PAGE, True
    if after:
        at, key = after
        found = found.filter(created_at__lte=at).exclude(Q(created_at=at) & Q(pk__gte=key))
    rows = list(found.order_by("-created_at", "-pk")[: PAGE + 1])
    return rows[:PAGE], bool(after and rows), len(rows) > PAGE


def _place(trace: Trace) -> str:
    return f"{instant(trace.created_at)}~{trace.pk}"


def _read(query: Mapping[str, Any], name: str) -> tuple[datetime, str] | None:
    found = _PLACE.fullmatch(str(query.get(name, "")))
    try:
        return (parse_instant(found[1]), found[2]) if found else None
    except ValueError:
        return None


def _chip(filters: Filters, key: str, label: str) -> Chip:
    return Chip(label.replace("_", " ").capitalize(), filters.url(outcome=key), filters.outcome == key)


def _row(trace: Trace) -> Row:
    agent = trace.agent.name if trace.agent else trace.asker.name
    return Row(trace.pk, trace.created_at, trace.title, agent, trace.asker.name, trace.outcome)
