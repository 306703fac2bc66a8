"""The rows behind each number of trust, so that nobody has to believe one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.display.values import duration_text
from accounts.models import Agent
from actions.models import Rollback
from approvals.models import ApprovalRequest
from console.trust.measures import broken_by, escalations, finished, last_answers, rollbacks, tightenings
from console.trust.outcomes import COUNTED, PARTS
from console.trust.spans import Span
from console.trust.whose import Whose
from policies.models import DecisionRecord
from traces.models import Trace, TraceOpening

MOST = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `url` leads to what it counts."""

    at: datetime
    what: str
    url: str
    note: str


def rows_of(key: str, whose: Whose, span: Span, day: date | None) -> tuple[str, list[Row]]:
    """The heading and the newest rows of one number; of one day of it where one is given. Raises LookupError for another key."""
    heading, make = _KINDS[key]
    return heading, make(whose, span.of(day) if day else span)[:MOST]


def _viewed(whose: Whose, span: Span) -> list[Row]:
    ended = [pk for pk, _ in finished(whose, span)]
    people: dict[str, list[str]] = {}
    for opening in TraceOpening.objects.filter(trace__in=ended).select_related("user").order_by("at"):
        people.setdefault(opening.trace_id, []).append(opening.user.name)
    traces = Trace.objects.filter(pk__in=ended).order_by("-created_at")
    return [Row(one.created_at, one.title, _trace(one.pk), _openers(people.get(one.pk, []))) for one in traces]


def _openers(names: list[str]) -> str:
    return f"opened by {', '.join(names)}" if names else "not opened"


def _escalations(whose: Whose, span: Span) -> list[Row]:
    return [
        Row(one.created_at, one.title, reverse("approvals:review", args=[one.pk]), _settled(one))
        for one in escalations(whose, span)[:MOST]
    ]


def _settled(request: ApprovalRequest) -> str:
    if request.settled_at is None:
        return request.state
    return f"{request.state}, {duration_text((request.settled_at - request.created_at).total_seconds())}"


def _rollbacks(whose: Whose, span: Span) -> list[Row]:
    return rollback_rows(Rollback.objects.filter(pk__in=[one.pk for one in rollbacks(whose, span)]))


def rollback_rows(found: QuerySet[Rollback]) -> list[Row]:
    """The newest of them."""
    newest = found.select_related("trace", "by").order_by("-created_at")[:MOST]
    return [
        Row(
            one.created_at,
            one.trace.title,
            _trace(one.undo_trace_id),
            f"{one.state}, by {one.by.name}: {one.reason[:120]}",
        )
        for one in newest
    ]


def _tightenings(whose: Whose, span: Span) -> list[Row]:
    names = dict(Agent.objects.filter(workspace=whose.workspace).values_list("pk", "name"))
    rows = []
    for version in tightenings(whose, span):
        broke = [f"{names.get(agent, agent)} lost {tool}" for agent, tool in broken_by(version, whose)]
        url = reverse("policies:compare", args=[version.policy.slug, str(version.number)])
        note = ", ".join(broke) or version.message
        rows.append(Row(version.published_at, f"{version.policy.name} v{version.number}", url, note))
    return rows


def _answers(whose: Whose, span: Span) -> list[Row]:
    newest = sorted(last_answers(whose, span), key=lambda one: one.at, reverse=True)[:MOST]
    titles = dict(Trace.objects.filter(pk__in={one.trace_id for one in newest}).values_list("pk", "title"))
    return [Row(one.at, titles[one.trace_id], _trace(one.trace_id), _answered(one.record)) for one in newest]


def _answered(record: Mapping[str, Any]) -> str:
    body = record["body"]
    said = f"{record['actor']['name']}: {body['answer']}"
    return f"{said}, “{body['line']}”" if body["line"] else said


def _decided(which: Q, whose: Whose, span: Span) -> list[Row]:
    found = DecisionRecord.objects.filter(which, workspace=whose.workspace, **span.within).order_by("-at")
    found = found.filter(agent_id=whose.agent.pk) if whose.agent else found
    return [Row(one.at, one.title, _trace(one.trace_id), one.rule) for one in found[:MOST]]


def _trace(trace_id: str) -> str:
    return reverse("traces:detail", args=[trace_id])


_KINDS: dict[str, tuple[str, Callable[[Whose, Span], list[Row]]]] = {
    "viewed": ("Finished traces", _viewed),
    "escalations": ("Actions that waited for a person", _escalations),
    "rollbacks": ("Rollbacks", _rollbacks),
    "tightenings": ("Versions that only tighten", _tightenings),
    "answers": ("What readers answered", _answers),
    # The numbers of the scorecards and of the bars.
    **{
        key: (words if key == "all" else f"Actions: {words.lower()}", partial(_decided, which))
        for key, (words, which) in {**COUNTED, "auto": (PARTS["auto"], Q(effect="allow"))}.items()
    },
}
