"""Gathers the traces an incident is about, counts all of them and tells some. Reads only.

INVARIANT: what is told of a trace comes from its own entries, read in one statement with its head. Held by
tests/traces/test_incident.py.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from accounts.access import has_permission
from accounts.clock import database_now
from accounts.display.values import withheld_count
from accounts.models import User, Workspace
from accounts.permissions import Permission
from traces.access import traces_visible_to
from traces.entry_types import WORK
from traces.filters import Filters
from traces.finding import narrowed
from traces.ledger import Integrity, check_chain
from traces.models import Entry, Trace
from traces.redaction import erased_in, marked
from traces.story import Story, build_story
from traces.story.cut import cut_short

PAGE = 20
# Outcomes somebody has to look at, the worst first; the rest follow in order of time.
WORST = ["unknown", "failed", "stopped", "denied", "waiting", "running", "rolled_back"]


@dataclass(frozen=True, slots=True)
class Told:
    """One trace of the incident."""

    trace: Trace
    story: Story
    integrity: Integrity
    withheld: int

    @property
    def is_exception(self) -> bool:
        """Whether it stands open on the page."""
        return not self.integrity.ok or bool(self.story.exceptions) or self.story.outcome != "completed"


@dataclass(frozen=True, slots=True)
class Totals:
    """All that match, told on this page or not. `hidden` match too and are other people's."""

    traces: int
    by_outcome: list[tuple[str, int]]
    agents: int
    people: int
    hidden: int


def matching(user: User, workspace: Workspace, filters: Filters) -> QuerySet[Trace]:
    """What this person may see of what the filters ask for."""
    return _at_work(traces_visible_to(user, workspace), workspace, filters)


def _at_work(visible: QuerySet[Trace], workspace: Workspace, filters: Filters) -> QuerySet[Trace]:
    """Those that match and in which something was done within the window: many a trace begins in the day and ends at night."""
    found = narrowed(visible, workspace, replace(filters, since="", until=""))
    done = Entry.objects.filter(filters.within("at"), type__in=WORK)
    return found.filter(pk__in=done.values("trace")) if filters.windowed else found


def totals(user: User, workspace: Workspace, filters: Filters) -> Totals:
    """Counts over everything that matches, those of hidden traces among them."""
    found = matching(user, workspace, filters)
    counted = dict(found.order_by().values_list("outcome").annotate(n=Count("pk")))
    ordered = [(outcome, counted[outcome]) for outcome in [*WORST, "completed"] if outcome in counted]
    who = found.order_by().aggregate(agents=Count("agent", distinct=True), people=Count("on_behalf_of", distinct=True))
    return Totals(sum(counted.values()), ordered, who["agents"], who["people"], _hidden(user, workspace, filters))


def _hidden(user: User, workspace: Workspace, filters: Filters) -> int:
    """How many traces match that this member may not open: named and counted, never silently dropped."""
    if has_permission(user, Permission.TRACE_VIEW, workspace):
        return 0
    theirs = Trace.objects.filter(workspace=workspace).exclude(kind=Trace.Kind.GOVERNANCE).exclude(on_behalf_of=user)
    return _at_work(theirs, workspace, filters).count()


def worst_first(found: QuerySet[Trace]) -> QuerySet[Trace]:
    """Exceptions first, then in order of time."""
    ranks = [When(outcome=outcome, then=Value(rank)) for rank, outcome in enumerate(WORST)]
    rank = Case(*ranks, default=Value(len(WORST)), output_field=IntegerField())
    return found.annotate(rank=rank).order_by("rank", "created_at", "pk")


def tell(traces: Sequence[Trace]) -> list[Told]:
    """Each trace from its own entries, in the order given."""
    now, by_trace = database_now(), {}
    for trace_id, rows in _entries(traces):
        by_trace[trace_id] = rows
    return [_told(trace, by_trace[trace.pk], now) for trace in traces]


def _entries(traces: Sequence[Trace]) -> Iterator[tuple[str, list[Any]]]:
    """One statement, so that heads and entries are of one moment."""
    found = Entry.objects.filter(trace__in=[trace.pk for trace in traces]).order_by("trace_id", "seq")
    rows = found.values_list("trace_id", "trace__head_seq", "trace__head_hash", "seq", "type", "canonical", "hash")
    for trace_id, some in groupby(rows, key=lambda row: row[0]):
        yield trace_id, list(some)


def _told(trace: Trace, rows: Sequence[Any], now: Any) -> Told:
    _, head_seq, head_hash, *_ = rows[0]
    chain = [row[3:] for row in rows]
    found = check_chain(chain, trace_id=trace.pk, head_seq=head_seq, head_hash=head_hash)
    sound = chain if found.record is None else chain[: max(found.record - 1, 1)]
    records = [(json.loads(canonical), digest) for _, _, canonical, digest in sound]
    story = build_story(trace_id=trace.pk, rows=_erased(records), tab="", now=now)
    story = story if found.ok else cut_short(story, held=len(records))
    return Told(trace, story, found, withheld_count([story.calls, story.changes]))


def _erased(records: Sequence[tuple[dict[str, Any], str]]) -> list[Any]:
    gone = erased_in(record for record, _ in records)
    return [(marked(record, gone), digest) for record, digest in records] if gone else list(records)


def title_of(filters: Filters, counted: Totals, outcomes: Mapping[str, str]) -> str:
    """The sentence the page opens with: how many traces, of what, and how they ended."""
    about = [
        f"by {filters.agent}" if filters.agent else "",
        f"touching {filters.record}" if filters.record else "",
        f"calling {filters.tool}" if filters.tool else "",
        f"of {filters.person}" if filters.person else "",
    ]
    what = " ".join(filter(None, [f"{counted.traces} trace{'' if counted.traces == 1 else 's'}", *about]))
    ended = ", ".join(f"{number} {outcomes[key].replace('_', ' ').lower()}" for key, number in counted.by_outcome)
    return f"{what}: {ended}" if ended else what


def page_of(found: QuerySet[Trace], number: int) -> tuple[list[Told], bool]:
    """One page, worst first, and whether another follows."""
    start = (number - 1) * PAGE
    rows = list(worst_first(found)[start : start + PAGE + 1])
    return tell(rows[:PAGE]), len(rows) > PAGE


def last_page(counted: Totals) -> int:
    """The number of the last page: an older link may name one that is no more."""
    return max(-(-counted.traces // PAGE), 1)


def in_batches(traces: Sequence[Trace], size: int = PAGE) -> Iterable[Told]:
    """All of them, some at a time, so that an export never holds every entry at once."""
    for at in range(0, len(traces), size):
        yield from tell(traces[at : at + size])
