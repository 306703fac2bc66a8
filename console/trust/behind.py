"""The rows behind each number of trust, so that nobody has to believe one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from accounts.display.values import duration_text
from accounts.models import Agent, Workspace
from actions.models import Rollback
from approvals.models import ApprovalRequest
from console.trust.measures import broken_by, finished, tightenings
from console.trust.spans import Span
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


def rows_of(key: str, workspace: Workspace, span: Span, day: date | None) -> tuple[str, list[Row]]:
    """The heading and the newest rows of one number; of one day of it where one is given. Raises LookupError for another key."""
    heading, make = _KINDS[key]
    found = [row for row in make(workspace, span) if day is None or row.at.date() == day]
    return heading, found[:MOST]


def _viewed(workspace: Workspace, span: Span) -> list[Row]:
    ended = [pk for pk, _ in finished(workspace, span)]
    people: dict[str, list[str]] = {}
    for opening in TraceOpening.objects.filter(trace__in=ended).select_related("user").order_by("at"):
        people.setdefault(opening.trace_id, []).append(opening.user.name)
    traces = Trace.objects.filter(pk__in=ended).order_by("-created_at")
    return [Row(one.created_at, one.title, _trace(one.pk), _openers(people.get(one.pk, []))) for one in traces]


def _openers(names: list[str]) -> str:
    return f"opened by {', '.join(names)}" if names else "not opened"


def _escalations(workspace: Workspace, span: Span) -> list[Row]:
    asked = ApprovalRequest.objects.filter(workspace=workspace, agent__isnull=False, **span.on("created_at"))
    found = list(asked.select_related("agent").order_by("-created_at")[:MOST])
    ids = [one.action_id for one in found]
    waits = dict(DecisionRecord.objects.filter(action_id__in=ids).values_list("action_id", "waited_s"))
    return [
        Row(one.created_at, str(one.displayed.get("title") or one.pk), reverse("approvals:review", args=[one.pk]),
            f"{one.state}, {duration_text(waits.get(one.action_id))}" if waits.get(one.action_id) else one.state)
        for one in found
    ]  # fmt: skip


def rollbacks(workspace: Workspace, span: Span | None = None) -> list[Row]:
    """Rollbacks of a span, or the newest of all."""
    found = Rollback.objects.filter(trace__workspace=workspace, **(span.on("created_at") if span else {}))
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


def _tightenings(workspace: Workspace, span: Span) -> list[Row]:
    names = dict(Agent.objects.filter(workspace=workspace).values_list("pk", "name"))
    rows = []
    for version in tightenings(workspace, span):
        broke = [f"{names.get(agent, agent)} lost {tool}" for agent, tool in broken_by(version)]
        url = reverse("policies:compare", args=[version.policy.slug, str(version.number)])
        note = ", ".join(broke) or version.message
        rows.append(Row(version.published_at, f"{version.policy.name} v{version.number}", url, note))
    return rows


def _denied(workspace: Workspace, span: Span) -> list[Row]:
    found = DecisionRecord.objects.filter(workspace=workspace, effect="deny", **span.within).order_by("-at")
    return [Row(one.at, one.title, _trace(one.trace_id), one.rule) for one in found[: MOST * 5]]


def _trace(trace_id: str) -> str:
    return reverse("traces:detail", args=[trace_id])


_KINDS: dict[str, tuple[str, Callable[[Workspace, Span], list[Row]]]] = {
    "viewed": ("Finished traces", _viewed),
    "escalations": ("Actions that waited for a person", _escalations),
    "rollbacks": ("Rollbacks", rollbacks),
    "tightenings": ("Versions that only tighten", _tightenings),
    "denied": ("Denied actions", _denied),
}
