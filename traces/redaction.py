"""Drops withheld values and keeps the proof (R-42): erasure of a person, and retention. Both are ledgered acts.

Each act stands in the workspace's governance chain and, as `trace.redacted`, in every trace it touched, in one transaction.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.clock import database_now
from traces.canonical import canonical_text, instant
from traces.ledger import append
from traces.models import Entry, WithheldValue
from traces.services import record_governance

TRACES_AT_ONCE = 200
# Action -> the texts that were withheld of it -> their kind.
Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Erased:
    """Of how many actions the rows beside the ledger lost their values, and how many keep them until they come to rest."""

    actions: int
    under_way: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """What an act dropped. Of actions that are `under_way` the rows that run them follow when they come to rest."""

    values: int
    traces: int
    kinds: dict[str, int]
    under_way: int = 0


_beside: list[Callable[[str, Texts], Erased]] = []


def kept_beside(forget: Callable[[str, Texts], Erased]) -> None:
    """Name what drops the same values from rows above this app. It is called in the transaction, with the workspace's id."""
    if forget not in _beside:
        _beside.append(forget)


def erase_subject(*, actor: Actor, workspace_id: str, subject: str, reason: str) -> Redacted:
    """Drop every withheld value of one person in a workspace.

    `subject` is a value that was withheld (an email) or the id of their record. Dropped are the value wherever it stands, and
    every withheld value of each action that touched it or that record. The subject is not written to the ledger. Raises
    ValueError for an empty subject.
    """
    if not subject.strip():
        raise ValueError("Say whose values to erase.")
    with transaction.atomic():
        _hold(workspace_id)
        rows = _of_subject(workspace_id, subject)
        return _dropped(
            rows, actor=actor, workspace_id=workspace_id, type="subject.erased", act={"reason": reason[:500]},
        )  # fmt: skip


def erase_actions(*, actor: Actor, workspace_id: str, actions: Collection[tuple[str, str]], reason: str) -> Redacted:
    """Drop every withheld value of these actions, each named by its trace and id, with what stands beside the ledger."""
    with transaction.atomic():
        _hold(workspace_id)
        rows = _of_actions(workspace_id, actions)
        return _dropped(
            rows, actor=actor, workspace_id=workspace_id, type="subject.erased", act={"reason": reason[:500]},
            actions={action for _, action in actions},
        )  # fmt: skip


def _of_actions(workspace_id: str, actions: Collection[tuple[str, str]]) -> list[WithheldValue]:
    theirs = _values(workspace_id).filter(entry__trace_id__in={trace for trace, _ in actions})
    return [row for row in theirs if (row.entry.trace_id, _action_of(row.entry)) in actions]


def _of_subject(workspace_id: str, subject: str) -> list[WithheldValue]:
    values = _values(workspace_id)
    equal = Q(value=canonical_text(subject))
    named = {row.entry_id for row in values.filter(equal).only("entry_id")}
    target = Entry.objects.filter(trace__workspace_id=workspace_id, type="action.proposed")
    marks = f'"record_id":{canonical_text(subject)}'
    entries = Entry.objects.filter(Q(pk__in=named) | Q(pk__in=target.filter(canonical__contains=marks).values("pk")))
    actions = {(entry.trace_id, action) for entry in entries if (action := _action_of(entry))}
    alone = [row for row in values.filter(entry_id__in=named) if not _action_of(row.entry)]
    return [*alone, *_of_actions(workspace_id, actions)]


def _action_of(entry: Entry) -> str:
    """The action an entry is about; empty for an entry of the trace itself."""
    return str(json.loads(entry.canonical)["body"].get("action") or "")


def apply_retention(*, actor: Actor, workspace_id: str, days: int) -> Redacted:
    """Drop every withheld value older than `days`, some traces at a time. Raises ValueError for less than a day."""
    if days < 1:
        raise ValueError("Values are kept for at least 1 day.")
    before = database_now() - timedelta(days=days)
    total = Redacted(0, 0, {})
    while True:
        some = _retained(actor, workspace_id, before, days)
        if not some.values:
            return total
        kinds = dict(Counter(total.kinds) + Counter(some.kinds))
        under_way = total.under_way + some.under_way
        total = Redacted(total.values + some.values, total.traces + some.traces, kinds, under_way)


def _retained(actor: Actor, workspace_id: str, before: datetime, days: int) -> Redacted:
    with transaction.atomic():
        _hold(workspace_id)
        old = _values(workspace_id).filter(entry__at__lt=before)
        traces = old.order_by("entry__trace_id").values_list("entry__trace_id", flat=True).distinct()[:TRACES_AT_ONCE]
        rows = list(old.filter(entry__trace_id__in=list(traces)))
        return _dropped(
            rows, actor=actor, workspace_id=workspace_id, type="retention.applied",
            act={"days": days, "before": instant(before), "reason": f"Older than {days} days"},
        )  # fmt: skip


def drop_values(
    *, actor: Actor, workspace_id: str, commitments: Collection[str], type: str, act: dict[str, object]
) -> Redacted:
    """Drop exactly the withheld values with these commitments, as the act `type` of the governance chain."""
    with transaction.atomic():
        _hold(workspace_id)
        rows = list(_values(workspace_id).filter(commitment__in=commitments))
        return _dropped(rows, actor=actor, workspace_id=workspace_id, type=type, act=act, always=True)


def _hold(workspace_id: str) -> None:
    """One act on withheld values of a workspace at a time, so that two never report the same value as theirs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('remit withheld'), hashtext(%s))", [workspace_id])


def _values(workspace_id: str) -> QuerySet[WithheldValue]:
    return WithheldValue.objects.filter(entry__trace__workspace_id=workspace_id).select_related("entry")


def _dropped(
    rows: Iterable[WithheldValue], *, actor: Actor, workspace_id: str, type: str, act: dict[str, object],
    always: bool = False, actions: Collection[str] = (),
) -> Redacted:  # fmt: skip
    """Delete the rows and write the act and its trace entries; an act that drops nothing is only written with `always`.

    INVARIANT: a value goes only with the entries that say so. Held by tests/traces/test_redaction.py.
    """
    by_trace: dict[str, list[WithheldValue]] = {}
    for row in rows:
        by_trace.setdefault(row.entry.trace_id, []).append(row)
    every = [row for some in by_trace.values() for row in some]
    kinds = dict(sorted(Counter(row.kind for row in every).items()))
    # Actions before their traces, as everywhere else.
    under_way = _drop_beside(workspace_id, every, actions)
    for trace_id in sorted(by_trace):
        gone = sorted({row.commitment for row in by_trace[trace_id]})
        body = {"act": type, "reason": act.get("reason", ""), "values": len(by_trace[trace_id]), "commitments": gone}
        append(actor=actor, trace_id=trace_id, type="trace.redacted", body=body)
    WithheldValue.objects.filter(pk__in=[row.pk for row in every]).delete()
    # The governance chain is locked last, and for a moment only: a pause is written there too, and waits for nothing (P9).
    if every or always or type == "subject.erased":
        body = {**act, "values": len(every), "traces": sorted(by_trace), "kinds": kinds}
        record_governance(actor=actor, workspace_id=workspace_id, type=type, body=body)
    return Redacted(len(every), len(by_trace), kinds, under_way)


def _drop_beside(workspace_id: str, rows: Iterable[WithheldValue], actions: Collection[str]) -> int:
    """How many actions are under way and keep their values until they rest."""
    texts: dict[str, dict[str, str]] = {action: {} for action in actions}
    for row in rows:
        action, value = _action_of(row.entry), json.loads(row.value)
        if action:
            texts.setdefault(action, {}).update({value: row.kind} if isinstance(value, str) and value else {})
    return sum(forget(workspace_id, texts).under_way for forget in _beside) if texts else 0


def erased_in(records: Iterable[dict[str, object]]) -> frozenset[str]:
    """Commitments whose values a trace's own records say are gone."""
    gone: set[str] = set()
    for record in records:
        if record["type"] == "trace.redacted":
            body = record["body"]
            gone |= set(body["commitments"]) if isinstance(body, dict) else set()
    return frozenset(gone)


def marked(value: object, gone: frozenset[str]) -> object:
    """The same record with `$erased` beside every commitment whose value is gone, for the page only."""
    if isinstance(value, dict):
        inside = {key: marked(item, gone) for key, item in value.items()}
        return inside | {"$erased": True} if value.get("commitment") in gone and "$withheld" in value else inside
    return [marked(item, gone) for item in value] if isinstance(value, list) else value
