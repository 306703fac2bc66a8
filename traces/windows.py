"""Which trace a call belongs to that names none: the agent's standing one for the same person and intent, while it is at work.

One trace is one user intent. A client of MCP cannot always say which; so calls that follow each other are one intent, and a
silence, a day or a great many calls begin another.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.clock import DatabaseNow, database_now
from accounts.models import Agent, User
from accounts.questions import Question
from accounts.writes import change
from traces.canonical import digest_of
from traces.models import CallWindow, Trace
from traces.services import BY_TOKEN, open_trace

LONGEST = timedelta(hours=12)
MOST_CALLS = 200


def trace_of_call(*, actor: Actor, agent: Agent, person: User, intent: str) -> Trace:
    """The trace of a call that said this intent, or none (`""`); opened where there is none at work."""
    with transaction.atomic():
        row = _locked(actor, agent, person, intent)
        standing = _TRACE.first(row.trace_id) if row.trace_id is not None else None
        if standing is not None and _is_at_work(row, standing, standing.asked_at):
            return _count(row, standing, row.calls)
        said = intent or f"{agent.name} used its tools and said no intent."
        return _count(row, _opened(actor, agent, person, said, []), 0)


def begin(*, actor: Actor, agent: Agent, person: User, intent: str, sources: Sequence[Mapping[str, Any]]) -> Trace:
    """Open a trace for this intent; calls that name none belong to it from now on."""
    with transaction.atomic():
        row = _locked(actor, agent, person, "")
        return _count(row, _opened(actor, agent, person, intent, sources), 0)


def _opened(actor: Actor, agent: Agent, person: User, intent: str, sources: Sequence[Mapping[str, Any]]) -> Trace:
    return open_trace(
        actor=actor, workspace_id=agent.workspace_id, agent=agent, on_behalf_of=person, intent=intent, sources=sources
    )


def _locked(actor: Actor, agent: Agent, person: User, intent: str) -> CallWindow:
    """The one row of agent, person and intent: two calls at once open one trace. A person known by token has their own.

    INVARIANT: its trace is read by itself, once the row is ours. A join would show a call that waited the trace of before,
    where another call gave the row a new one meanwhile. Held by tests/traces/test_windows.py.
    """
    said = digest_of(intent) if intent else ""
    said = digest_of({"intent": said, "known_by": BY_TOKEN}) if actor.person_token else said
    key = (agent.pk, person.pk, said)
    found = _WINDOW.first(*key)
    if found is not None:
        return found
    row = CallWindow(agent=agent, person=person, intent_digest=said, last_call_at=database_now())
    CallWindow.objects.bulk_create([row], ignore_conflicts=True)
    return _WINDOW.all(*key)[0]


def _window(agent_id: str, person_id: str, said: str) -> QuerySet[CallWindow]:
    rows = CallWindow.objects.select_for_update(of=("self",))
    return rows.filter(agent_id=agent_id, person_id=person_id, intent_digest=said)


_WINDOW = Question(_window)
_TRACE = Question(
    lambda pk: Trace.objects.select_related("on_behalf_of").filter(pk=pk).annotate(asked_at=DatabaseNow())
)


def _is_at_work(row: CallWindow, trace: Trace, now: datetime) -> bool:
    idle = timedelta(seconds=settings.REMIT_TRACE_IDLE_S)
    return row.calls < MOST_CALLS and now - row.last_call_at < idle and now - trace.created_at < LONGEST


def _count(row: CallWindow, trace: Trace, before: int) -> Trace:
    change(CallWindow, {"id": row.pk}, {"trace_id": trace.pk, "calls": before + 1, "last_call_at": DatabaseNow()})
    return trace
