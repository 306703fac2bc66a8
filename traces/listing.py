"""The trace list: rows, chips and pages of 50 that go on from the last row rather than count from the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from accounts.access import has_permission
from accounts.models import Agent, User, Workspace
from accounts.permissions import Permission
from accounts.questions import Question
from traces.access import own_alone, traces_visible_to
from traces.filters import LABELS, OUTCOMES, Filters
from traces.models import SavedView, Trace
from traces.paging import Page, counted, page_of
from traces.reading import reading
from traces.waiting import waited_now
from traces.ways import ways

# What a row of the list shows: to read all of each trace and of whom it names costs more than to find it.
SHOWN = ("created_at", "title", "outcome", "waited_s", "agent__name", "on_behalf_of__name")
# So many of a member's traces say which agents act for them.
LATELY = 1_000


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
    # Seconds in which people were waited for; until now where they still are.
    waited_s: float


Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Shown]):
    """One page of rows, and what stands around it."""

    rows: list[Shown]
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
    # All that match, as `counted` says it.
    count: str
    # How far the list was read where that did not fill the page, back in time or (a page of newer ones) forth.
    searched: datetime | None
    looked_back: bool
    clear_url: str = "?"
    # Whether a time narrows it: the list then says what of a trace has to lie in it.
    windowed: bool = False


def listing(user: User, workspace: Workspace, query: Mapping[str, Any], saved: list[SavedView]) -> Listing[Row]:
    """One page of the traces this person may see that match the filters in a query string, newest first."""
    filters = Filters.from_query(query)
    visible = traces_visible_to(user, workspace).only(*SHOWN)
    with reading():
        page = page_of(ways(visible, workspace, filters, own_alone(user, workspace)), query)
        count = counted(page)
    waits = waited_now(page.rows)
    rows = [_row(trace, waits) for trace in page.rows]
    return framed(user, workspace, filters, page, rows, query=filters.url(), count=count, saved=saved)


def framed(
    user: User,
    workspace: Workspace,
    filters: Filters,
    page: Page[Any],
    rows: list[Shown],
    *,
    query: str,
    count: str,
    saved: Sequence[SavedView] = (),
) -> Listing[Shown]:
    """A page's rows with its filters, its count and the ways to the pages beside it. `query` is what links carry on."""
    return Listing(
        rows=rows,
        chips=outcome_chips(filters),
        chosen=chosen_chips(filters),
        fields=form_fields(filters, [name for name in LABELS if name != "outcome"]),
        agents=agents_for(user, workspace),
        saved=list(saved),
        problems=filters.problems,
        outcome=filters.outcome,
        query=query,
        next_url=filters.url(after=page.older) if page.older else "",
        previous_url=filters.url(before=page.newer) if page.newer else "",
        searched=page.searched,
        looked_back=page.looked_back,
        count=count,
        windowed=filters.windowed,
    )


def outcome_chips(filters: Filters) -> list[Chip]:
    """One for each outcome, and one for all of them."""
    return [_chip(filters, key, label) for key, label in [("", "All"), *OUTCOMES.items()]]


def chosen_chips(filters: Filters) -> list[Chip]:
    """The filters in force, each with the address of the page without it."""
    return [Chip(f"{LABELS[name]}: {value}", filters.url(**{name: ""}), True) for name, value in filters.active.items()]


def form_fields(filters: Filters, names: Sequence[str]) -> list[Field]:
    """The inputs of the filter form, with what is in force."""
    return [Field(name, LABELS[name], filters.active.get(name, "")) for name in names]


def agents_for(user: User, workspace: Workspace) -> list[tuple[str, str]]:
    """`(slug, name)` of agents to choose from: all of them, or for members those that acted for them lately."""
    if has_permission(user, Permission.AGENT_VIEW, workspace):
        return _AGENTS.all(workspace.pk)
    theirs = Trace.objects.filter(workspace=workspace, on_behalf_of=user).order_by("-created_at")
    lately = set(theirs.values_list("agent", flat=True)[:LATELY])
    return list(Agent.objects.filter(workspace=workspace, pk__in=lately).values_list("slug", "name"))


_AGENTS = Question(lambda workspace_id: Agent.objects.filter(workspace=workspace_id).values_list("slug", "name"))


def _chip(filters: Filters, key: str, label: str) -> Chip:
    return Chip(label.replace("_", " ").capitalize(), filters.url(outcome=key), filters.outcome == key)


def _row(trace: Trace, waits: Mapping[str, float]) -> Row:
    agent = trace.agent.name if trace.agent else trace.asker.name
    waited = waits.get(trace.pk, trace.waited_s)
    return Row(trace.pk, trace.created_at, trace.title, agent, trace.asker.name, trace.outcome, waited)
