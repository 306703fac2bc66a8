"""What people can be told of, as data: the ledger's verbs, their words, and which are urgent enough for the night."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a channel can carry. `urgent` ones may come through quiet hours and are never part of a digest."""

    key: str
    label: str
    urgent: bool = False


CHECKPOINT_FAILED = "checkpoint.failed"
_EVENTS = (
    Event("approval.requested", "An approval or a draft waits for people"),
    Event("approval.reminded", "Nobody has decided an approval yet"),
    Event("approval.escalated", "An approval waits for more people, because nobody decided"),
    Event("approval.break_glass", "Somebody ran an action in an emergency, without the rest", urgent=True),
    Event("approval.glass_reviewed", "The review of an emergency was written"),
    Event("approval.glass_confirmed", "The review of an emergency was confirmed"),
    Event("approval.changes_asked", "A reviewer asked an agent for changes"),
    Event("approval.settled", "An approval was decided or ran out"),
    Event("action.unknown", "The outcome of an action is unknown", urgent=True),
    Event("action.needs_human", "A person must find out what an action did", urgent=True),
    Event("action.blocked", "An approved action was blocked before dispatch"),
    Event("rollback.finished", "A rollback ended"),
    Event("breaker.tripped", "A circuit breaker tripped", urgent=True),
    Event("breaker.reset", "A circuit breaker was reset"),
    Event("pause.set", "Somebody paused agents", urgent=True),
    Event("pause.released", "A pause was released"),
    Event("policy.proposed", "A publication waits for a second policy admin"),
    Event("policy.published", "A policy version was published"),
    Event("policy.not_published", "A scheduled publication did not happen"),
    Event(CHECKPOINT_FAILED, "The ledger was not checkpointed", urgent=True),
)
EVENTS = {event.key: event for event in _EVENTS}
# Of these a person can be told for themself: their group is asked or told, or what they asked for was decided.
PERSONAL = ("approval.requested", "approval.break_glass", "approval.settled")
PERSONAL_AT_FIRST = PERSONAL[:2]


def choices(keys: Iterable[str] = tuple(EVENTS)) -> list[tuple[str, str]]:
    """For forms."""
    return [(key, EVENTS[key].label) for key in keys]
