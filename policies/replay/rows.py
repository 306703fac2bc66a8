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
    rows: Any = decisions_of(replay).annotate(**_TEXTS).order_by("at", "id").values_list(*_NAMES)
    after = Q()
    while chunk := [_row(values) for values in rows.filter(after)[:CHUNK]]:
        yield chunk
        last = chunk[-1]
        after = Q(at__gte=last.at) & (Q(at__gt=last.at) | Q(id__gt=last.id))


# A time is read as the text that the database writes: the driver takes five times as long to make one of its own.
_TEXTS = {f"{name}_text": Cast(name, TextField()) for name in ("refused", "spoke", "at", "finished_at")}
_NAMES = [f"{name}_text" if f"{name}_text" in _TEXTS else name for name in Row._fields]
_AT, _FINISHED = Row._fields.index("at"), Row._fields.index("finished_at")


def _row(values: tuple[Any, ...]) -> Row:
    found = list(values)
    found[_AT] = datetime.fromisoformat(found[_AT])
    if found[_FINISHED] is not None:
        found[_FINISHED] = datetime.fromisoformat(found[_FINISHED])
    return Row._make(found)
