"""What a trace tells of an ask that was asked before: it did nothing of its own, it joined an action there was already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.actors import Actor
from traces.ledger import append, held_trace
from traces.models import Entry, Trace
from traces.sentences import joined_title, outcome
from traces.services import summarise

JOINED = "action.joined"


@dataclass(frozen=True, slots=True)
class Joined:
    """The action that was joined, where it is recorded, and its state as the agent was told. None of its arguments."""

    trace: str
    action: str
    step: int
    tool: str
    state: str


def record_join(*, actor: Actor, place: Trace, joined: Joined) -> None:
    """Say in the trace it was asked in which action an ask joined. Runs in the transaction of the join.

    Once for each state that was told there: an agent that sends the same call every second says nothing new by it.
    """
    chain = held_trace(place.pk)
    told = [entry.record["body"] for entry in Entry.objects.filter(trace=place, type=JOINED).order_by("seq")]
    if any((body["joined"]["action"], body["state"]) == (joined.action, joined.state) for body in told):
        return
    where = {"trace": joined.trace, "action": joined.action, "step": joined.step}
    body = {"tool": {"name": joined.tool}, "joined": where, "state": joined.state}
    append(actor=actor, trace_id=place.pk, type=JOINED, body=body, held=chain)
    _summarise(place, [*told, body])


def _summarise(place: Trace, told: Sequence[Mapping[str, Any]]) -> None:
    """A trace with actions of its own is told by them; one that only joined others stands as those did when it asked last."""
    if Entry.objects.filter(trace=place, type="action.proposed").exists():
        return
    last = {body["joined"]["action"]: body["state"] for body in told}
    summarise(trace_id=place.pk, title=joined_title(len(last)), outcome=outcome(list(last.values())))
