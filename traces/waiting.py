"""How long a trace waited for people: the seconds in which at least one of its actions did."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.clock import database_now
from traces.canonical import parse_instant
from traces.models import Entry, Trace
from traces.spans import Span, union_s

ASKED, SETTLED = "approval.requested", "approval.settled"


def settled_wait_s(trace_id: str) -> int:
    """Whole seconds of what people have settled in a trace; what is still open is not among them."""
    return int(union_s(_spans(_records([trace_id]).get(trace_id, []), open_until=None)))


def waited_now(traces: Sequence[Trace]) -> Mapping[str, float]:
    """Of those that wait for people just now: trace -> seconds until now, which no stored number can say."""
    waiting = [trace.pk for trace in traces if trace.outcome == Trace.Outcome.WAITING]
    if not waiting:
        return {}
    now = database_now()
    return {pk: union_s(_spans(records, open_until=now)) for pk, records in _records(waiting).items()}


def _records(trace_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    entries = Entry.objects.filter(trace__in=trace_ids, type__in=[ASKED, SETTLED]).order_by("trace_id", "seq")
    for trace_id, canonical in entries.values_list("trace_id", "canonical"):
        found.setdefault(trace_id, []).append(json.loads(canonical))
    return found


def _spans(records: Iterable[Mapping[str, Any]], *, open_until: datetime | None) -> list[Span]:
    """From asking to settling, an action each; what is still open ends at `open_until`, or is left out."""
    asked: dict[str, datetime] = {}
    settled: dict[str, datetime] = {}
    for record in records:
        into = asked if record["type"] == ASKED else settled
        into[record["body"]["action"]] = parse_instant(record["at"])
    ends = {action: settled.get(action, open_until) for action in asked}
    return [(asked[action], end) for action, end in ends.items() if end is not None]
