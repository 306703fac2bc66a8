"""An agent that asks again finds what it asked before: a replayed call opens no second approval and has no second effect.

Same agent, person, tool and canonical arguments are the same ask. Until it has settled the ask is joined; its outcome is then
handed over once, and after that the same words are a new ask (M-05). What may have taken effect stays joined until it is known.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import Agent, User
from accounts.scopes import AGENT
from actions.models import Action, Handover
from actions.services import call_tool
from actions.states import FINAL, SUCCESS, State
from traces.canonical import digest_of
from traces.models import Trace
from traces.services import opening


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
) -> Action:
    """The action this ask is about: the one asked for before, or a new one, governed and executed as `call_tool` does.

    `trace` gives the trace a new action belongs to; `answers` is an action that a reviewer sent back and the new one answers.
    Raises BadArguments, and NothingAsked where nobody waits for that answer.
    """
    mark = _fingerprint(actor, person, tool, arguments)
    found = _standing(agent, mark, call_id)
    if found is not None:
        return found
    place = trace()
    try:
        action = call_tool(
            actor=actor, agent=agent, trace=place, tool=tool, arguments=arguments,
            sources=opening(place)["sources"], remember=lambda pk: _remember(agent, mark, call_id, pk),
            answers=answers,
        )  # fmt: skip
    except AskedAlready:
        return (
            Handover.objects.select_related("action").filter(agent=agent, fingerprint=mark).latest("created_at").action
        )
    mark_handed_over(action)
    return action


def _fingerprint(actor: Actor, person: User, tool: str, arguments: Mapping[str, Any]) -> str:
    """What a token may not ask for it does not join either: one that reaches less, or names a person, has asks of its own."""
    ask: dict[str, Any] = {"person": person.pk, "tool": tool, "arguments": dict(arguments)}
    if actor.person_token is not None or actor.scopes != AGENT:
        ask |= {"scopes": actor.scopes, "by_token": actor.person_token is not None}
    return digest_of(ask)


def _standing(agent: Agent, mark: str, call_id: str) -> Action | None:
    """The open ask of this fingerprint, handed over where it has settled; or the write that a lost answer asks for again."""
    asked = Handover.objects.select_related("action__agent", "action__tool").filter(agent=agent, fingerprint=mark)
    row = asked.filter(used_at=None).first()
    if row is not None:
        # Two replays of a settled ask at once: the outcome is one of them's, the other asks anew.
        return row.action if row.action.state not in FINAL or mark_handed_over(row.action) else None
    last = asked.filter(created_at__gte=database_now() - timedelta(seconds=settings.REMIT_REPLAY_S)).first()
    return last.action if last is not None and _is_replay(last, call_id) else None


def _is_replay(last: Handover, call_id: str) -> bool:
    """A write that ran by itself and is asked for again at once, as after a lost answer. An approval is used up by its answer."""
    other_call = bool(call_id and last.call_id and call_id != last.call_id)
    ran_alone = last.action.mode == "auto" and last.action.state in SUCCESS
    return ran_alone and not other_call


def _remember(agent: Agent, mark: str, call_id: str, action_id: str) -> None:
    """Inside the recording transaction. A read that waits for nobody leaves nothing: asked again, it reads again."""
    action = Action.objects.select_related("tool").get(pk=action_id)
    definition = action.definition
    if definition is not None and definition.reads_only and action.state != State.PENDING:
        return
    row = Handover(agent=agent, fingerprint=mark, call_id=call_id[:200], action_id=action_id, created_at=database_now())
    Handover.objects.bulk_create([row], ignore_conflicts=True)
    if not Handover.objects.filter(action_id=action_id).exists():
        raise AskedAlready


def mark_handed_over(action: Action) -> bool:
    """Its outcome was given to the agent, so the ask is used up. False where it has none yet or was handed over before."""
    if action.state not in FINAL:
        return False
    return bool(Handover.objects.filter(action=action, used_at=None).update(used_at=database_now()))
