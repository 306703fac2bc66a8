"""Reads past decisions in time order, a chunk at a time, so that memory stays flat and no transaction stays open."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from policies.models import DecisionRecord, Replay

CHUNK = 1000


class Row(NamedTuple):
    """One past decision. `refused` and `spoke` are JSON texts: most are empty and are never parsed."""

    id: int
    at: datetime
    action_id: str
    agent_id: str
    tool: str
    effect: str
    rule: str
    route: str
    refused: str
    spoke: str
    version: int
    outcome: str
    waited_s: int | None
    finished_at: datetime | None
    request_text: str


def decisions_of(replay: Replay) -> QuerySet[DecisionRecord]:
    """Every decision the replay is about."""
    return DecisionRecord.objects.filter(
        workspace_id=replay.policy.workspace_id, policy=replay.policy.slug, at__gt=replay.since, at__lte=replay.until
    )


def chunks(replay: Replay) -> Iterator[list[Row]]:
    """The rows in time order, in lists of at most `CHUNK`."""
    texts = {"refused_text": Cast("refused", TextField()), "spoke_text": Cast("spoke", TextField())}
    names = [{"refused": "refused_text", "spoke": "spoke_text"}.get(name, name) for name in Row._fields]
    rows: Any = decisions_of(replay).annotate(**texts).order_by("at", "id").values_list(*names)
    after = Q()
    while chunk := [Row._make(values) for values in rows.filter(after)[:CHUNK]]:
        yield chunk
        last = chunk[-1]
        after = Q(at__gte=last.at) & (Q(at__gt=last.at) | Q(id__gt=last.id))
