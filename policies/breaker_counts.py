"""Counts what a breaker watches, over the recorded decisions of its window. Writes nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db.models import Q, QuerySet

from policies.engine.parts import Breaker
from policies.engine.recorded import decoded
from policies.engine.types import Request
from policies.history import Outcome, request_of
from policies.models import DecisionRecord

MOST_EVIDENCE = 10
# These count at the decision; every other kind counts when the action ended.
AT_DECISION = frozenset({"denials", "repeats"})


@dataclass(frozen=True, slots=True)
class Counted:
    """What a breaker found in its window; `records` are the latest of it, given only where it is too much."""

    total: int
    records: tuple[DecisionRecord, ...]


def concerns(breaker: Breaker, record: DecisionRecord, request: Request) -> bool:
    """Whether the breaker counts this very record; what adds nothing to a count need not be counted again."""
    if not breaker.when.covers(request):
        return False
    if breaker.on == "denials":
        return record.effect == "deny" and not record.rule.startswith("breakers.")
    if breaker.on == "spend":
        return request.money is not None and request.money.currency == breaker.currency
    return True


def count(breaker: Breaker, record: DecisionRecord, request: Request, since: datetime) -> Counted:
    """What the breaker counts since a time, in the counter that `record` belongs to."""
    return _COUNTERS[breaker.on](breaker, _window(breaker, record, since), record, request)


def _window(breaker: Breaker, record: DecisionRecord, since: datetime) -> QuerySet[DecisionRecord]:
    """Records of the same counter whose event lies in the window, newest first."""
    found = DecisionRecord.objects.filter(workspace_id=record.workspace_id, policy=record.policy)
    if breaker.per == "agent":
        found = found.filter(agent_id=record.agent_id)
    if breaker.per == "tool":
        found = found.filter(tool=record.tool)
    if breaker.per == "connection":
        # It stands last in the tool of the recorded request, which has no spaces; `_covered` reads it exactly.
        found = found.filter(request_text__contains=f',"{request_of(record).tool.connection}"]')
    when = breaker.when
    for column, allowed in (("role", when.roles), ("tool", when.tools), ("effect_class", when.effect_classes)):
        if allowed:
            found = found.filter(**{f"{column}__in": sorted(allowed)})
    if breaker.on in AT_DECISION:
        return found.filter(at__gt=since).order_by("-at", "-id")
    return found.filter(finished_at__gt=since).order_by("-finished_at", "-id")


Counter = Callable[[Breaker, QuerySet[DecisionRecord], DecisionRecord, Request], Counted]


def _by_columns(*conditions: Q) -> Counter:
    """A counter of what a condition on columns finds."""

    def counter(
        breaker: Breaker, window: QuerySet[DecisionRecord], record: DecisionRecord, request: Request
    ) -> Counted:
        found = window.filter(*conditions)
        if breaker.when.resource_types or breaker.per == "connection":
            return _add_up(breaker, ((id, 1) for id, _ in _covered(breaker, found, request)))
        total = found.count()
        return Counted(total, tuple(found[:MOST_EVIDENCE]) if total > breaker.max else ())

    return counter


def _covered(breaker: Breaker, found: QuerySet[DecisionRecord], request: Request) -> Iterator[tuple[int, Request]]:
    """Ids of records in the counter of `request`, with theirs: resource type and connection stand in no column."""
    for id, text in found.values_list("id", "request_text").iterator(chunk_size=500):
        asked = decoded(text, {})
        elsewhere = breaker.per == "connection" and asked.tool.connection != request.tool.connection
        if breaker.when.covers(asked) and not elsewhere:
            yield id, asked


def _add_up(breaker: Breaker, amounts: Iterator[tuple[int, int]]) -> Counted:
    """Adds up until it is too much; what lies further back changes nothing."""
    total, latest = 0, list[int]()
    for id, amount in amounts:
        total += amount
        latest.append(id)
        if total > breaker.max:
            records = DecisionRecord.objects.in_bulk(latest[:MOST_EVIDENCE])
            return Counted(total, tuple(records[id] for id in latest[:MOST_EVIDENCE]))
    return Counted(total, ())


def _repeats(breaker: Breaker, window: QuerySet[DecisionRecord], record: DecisionRecord, request: Request) -> Counted:
    """The same tool with the same arguments, asked for by the same agent."""
    # The texts have sorted names and no spaces, so the database finds what may be alike; the rest is not decoded.
    fragment = '"arguments":' + orjson.dumps(request.arguments, option=orjson.OPT_SORT_KEYS).decode()
    found = window.filter(agent_id=record.agent_id, tool=record.tool, request_text__contains=fragment)
    alike = _covered(breaker, found, request)
    return _add_up(breaker, ((id, 1) for id, asked in alike if asked.arguments == request.arguments))


def _spend(breaker: Breaker, window: QuerySet[DecisionRecord], record: DecisionRecord, request: Request) -> Counted:
    """What succeeded actions paid in the breaker's currency."""
    # The texts have no spaces, so what holds no such part moved no money.
    paid = window.filter(outcome=Outcome.SUCCEEDED, request_text__contains='"money":[')
    amounts = (
        (id, asked.money.amount_minor)
        for id, asked in _covered(breaker, paid, request)
        if asked.money is not None and asked.money.currency == breaker.currency
    )
    return _add_up(breaker, amounts)


_COUNTERS: Mapping[str, Counter] = {
    # What is unknown counts as failed until it is known to have succeeded.
    "failures": _by_columns(Q(outcome__in=[Outcome.FAILED, Outcome.UNKNOWN])),
    "rejections": _by_columns(Q(outcome=Outcome.REJECTED)),
    "rollbacks": _by_columns(Q(outcome=Outcome.ROLLED_BACK)),
    # A call that a breaker holds is no new evidence: an agent that keeps asking must not trip the next one.
    "denials": _by_columns(Q(effect="deny"), ~Q(rule__startswith="breakers.")),
    "repeats": _repeats,
    "spend": _spend,
}
