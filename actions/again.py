"""An agent that asks again finds what it asked before: a replayed call opens no second approval and has no second effect.

Same agent, person, tool and canonical arguments are the same ask. Until it has settled the ask is joined; its outcome is then
handed over once, and after that the same words are a new ask (M-05). What may have taken effect stays joined until it is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.actors import Actor
from accounts.clock import DatabaseNow, database_now
from accounts.models import Agent, User
from accounts.questions import Question
from accounts.scopes import AGENT
from accounts.writes import change
from actions.models import Action, Handover
from actions.propose import ASKS_PEOPLE, nothing
from actions.services import call_tool
from actions.states import FINAL, SUCCESS
from approvals.questions import NothingAsked
from traces.canonical import digest_of
from traces.joins import Joined, record_join
from traces.ledger import held_trace
from traces.models import Trace

SAME = (
    "These are the arguments the reviewer asked about, so they answer nothing. Change what was asked for, or withdraw the "
    "call."
)


class AskedAlready(Exception):
    """The same ask was recorded at this moment by another request; nothing was recorded for this one."""


def call_or_join(
    *,
    actor: Actor,
    agent: Agent,
    person: User,
    tool: str,
    arguments: Mapping[str, Any],
    call_id: str,
    trace: Callable[[], Trace],
    answers: Action | None = None,
    remember: Callable[[str], None] = nothing,
) -> Action:
    """The action this ask is about: the one asked for before, or a new one, governed and executed as `call_tool` does.

    `trace` gives the trace it is asked in: a new action belongs to it, and of one that was joined it says so. `answers` is an
    action that a reviewer sent back and the new one answers. `remember` is called with the action's id where it is recorded or
    joined. Raises BadArguments, TraceFull, and NothingAsked where nobody waits for that answer.
    """
    place = cache(trace)
    ask = _Ask(actor, agent, _fingerprint(actor, person, tool, arguments), call_id, place, remember)
    found = _joined(ask)
    if found is None:
        try:
            found = _asked_anew(ask, tool, arguments, answers)
        except AskedAlready:
            found = _faster(ask)
    if answers is not None and found.pk == answers.pk:
        raise NothingAsked(SAME)
    return found


@dataclass(frozen=True, slots=True)
class _Ask:
    """Who asks, what makes it the same ask, and the trace it is asked in, which is opened when it is needed."""

    actor: Actor
    agent: Agent
    mark: str
    call_id: str
    place: Callable[[], Trace]
    remember: Callable[[str], None]

    def remember_as_asked(self, action: Action) -> None:
        """Inside the transaction that records the action."""
        if _is_remembered(action):
            _remember(self.agent, self.mark, self.call_id, action.pk)
        self.remember(action.pk)


def _joined(ask: _Ask) -> Action | None:
    """What was asked for before; used up, remembered and told together, so that a crash in between costs nothing."""
    row = _standing(ask.agent, ask.mark, ask.call_id)
    if row is None:
        return None
    place = ask.place()
    with transaction.atomic():
        held_trace(place.pk)  # The trace's lock first, as everywhere.
        # Two replays of a settled ask at once: the outcome is one of them's, the other asks anew.
        if row.used_at is None and _is_told_once(row.action) and not mark_handed_over(row.action):
            return None
        return _join(ask, place, row.action)


def _faster(ask: _Ask) -> Action:
    """The action of the same ask that was recorded at this moment by another request."""
    asked = Handover.objects.select_related("action").filter(agent=ask.agent, fingerprint=ask.mark)
    with transaction.atomic():
        return _join(ask, ask.place(), asked.latest("created_at").action)


def _join(ask: _Ask, place: Trace, action: Action) -> Action:
    """The trace it was asked in says what it joined; else a reader of that trace would find nothing of it."""
    told = Joined(action.trace_id, action.pk, action.step, action.tool_name, action.state)
    record_join(actor=ask.actor, place=place, joined=told)
    ask.remember(action.pk)
    return action


def _asked_anew(ask: _Ask, tool: str, arguments: Mapping[str, Any], answers: Action | None) -> Action:
    place = ask.place()
    made = call_tool(
        actor=ask.actor, agent=ask.agent, trace=place, tool=tool, arguments=arguments, remember=ask.remember_as_asked,
        answers=answers,
    )  # fmt: skip
    if _is_remembered(made):
        mark_handed_over(made)
    return made


def _fingerprint(actor: Actor, person: User, tool: str, arguments: Mapping[str, Any]) -> str:
    """What a token may not ask for it does not join either: one that reaches less, or names a person, has asks of its own."""
    ask: dict[str, Any] = {"person": person.pk, "tool": tool, "arguments": dict(arguments)}
    if actor.person_token is not None or actor.scopes != AGENT:
        ask |= {"scopes": actor.scopes, "by_token": actor.person_token is not None}
    return digest_of(ask)


def _standing(agent: Agent, mark: str, call_id: str) -> Handover | None:
    """The open ask of this fingerprint; or that of the last write that a lost answer asks for again."""
    rows = _ASKED.all(agent.pk, mark, timedelta(seconds=settings.REMIT_REPLAY_S))
    row = next((one for one in rows if one.used_at is None), None)
    if row is not None:
        return row
    return next((one for one in reversed(rows) if _is_replay(one, call_id)), None)


def _of_asked(agent_id: str, mark: str, span: str) -> QuerySet[Handover]:
    asked = Handover.objects.select_related("action__agent", "action__tool").filter(agent_id=agent_id, fingerprint=mark)
    lately = Q(used_at__gte=RawSQL("clock_timestamp() - %s::interval", [span]))
    return asked.filter(Q(used_at=None) | lately).order_by("pk")


_ASKED = Question(_of_asked)


def _is_replay(last: Handover, call_id: str) -> bool:
    """A write that ran by itself and is asked for again at once, as after a lost answer. An approval is used up by its answer."""
    other_call = bool(call_id and last.call_id and call_id != last.call_id)
    ran_alone = last.action.mode == "auto" and last.action.state in SUCCESS
    return ran_alone and not other_call


def _is_remembered(action: Action) -> bool:
    """Whether the same words find it again. A read that nobody was asked about leaves nothing: asked again, it reads again. Nor
    does what the agent is to do itself: two of it are done twice, so they are two actions, and count as two."""
    definition, people = action.definition, action.decision["effect"] in ASKS_PEOPLE
    return people or definition is None or not (definition.reads_only or definition.by_agent)


def _remember(agent: Agent, mark: str, call_id: str, action_id: str) -> None:
    """Inside the recording transaction. Raises AskedAlready."""
    row = Handover(agent=agent, fingerprint=mark, call_id=call_id[:200], action_id=action_id, created_at=database_now())
    Handover.objects.bulk_create([row], ignore_conflicts=True)
    if not Handover.objects.filter(action_id=action_id).exists():
        raise AskedAlready


def _is_told_once(action: Action) -> bool:
    """Whether what stands now is for one ask alone: how it ended, or that the agent does it, which it must not do twice."""
    return action.state in FINAL or action.is_the_agents


def mark_handed_over(action: Action) -> bool:
    """Its outcome, or the work that is the agent's to do, was given to the agent, so the ask is used up. False where there is
    neither yet or it was handed over before."""
    if not _is_told_once(action):
        return False
    return bool(change(Handover, {"action_id": action.pk, "used_at": None}, {"used_at": DatabaseNow()}))
