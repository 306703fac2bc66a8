"""What a trace is called and how it stands, from the states and recorded words of its actions. Pure.

The list stores these; the trace page computes them again from the ledger. Both call the functions here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

SUCCESS = frozenset({"succeeded", "succeeded_attested"})
OPEN = frozenset({"proposed", "pending", "authorized", "claimed", "dispatching"})
IN_DOUBT = frozenset({"unknown", "needs_human"})
# Nobody who reads a title or an outcome can tell these apart. Held by tests/traces/test_sentences_alike.py.
ALIKE = frozenset({"claimed", "dispatching"})
FAILED = frozenset({"failed", "failed_attested"})
_MOST_PARTS = 2


class Told(Protocol):
    """What these sentences need to know of an action."""

    @property
    def state(self) -> str: ...
    @property
    def effect_class(self) -> str: ...
    @property
    def words(self) -> Mapping[str, str]: ...


def outcome(states: Sequence[str]) -> str:
    """One word for the whole trace."""
    if any(state in IN_DOUBT for state in states):
        return "unknown"
    if any(state in ALIKE for state in states):
        return "running"
    if any(state == "pending" for state in states):
        return "waiting"
    if not states or any(state in OPEN for state in states):
        return "running"
    return _ended(states)


def _ended(states: Sequence[str]) -> str:
    if all(state in SUCCESS for state in states):
        return "completed"
    if any(state in FAILED for state in states):
        return "failed"
    if "denied" in states and not any(state in SUCCESS for state in states):
        return "denied"
    return "stopped"


def goes_on(how: str, states: Sequence[str]) -> bool:
    """Whether more is to come of a trace that stands like `how`: also while Remit finds out what happened.

    What only a person can find out has come to its end here; they are asked for it in what to do now.
    """
    return how in {"running", "waiting"} or (how == "unknown" and any(state in ALIKE | {"unknown"} for state in states))


def after_rollback(how: str, changes: Sequence[str]) -> str:
    """`how` a trace stands, or "rolled_back" once all of it succeeded and each change that can be undone is, as a whole.

    `changes` says of each of those what became of its rollback. What is in doubt, failed or waits is never hidden by it.
    """
    undone = how == "completed" and bool(changes) and all(change == "rolled_back" for change in changes)
    return "rolled_back" if undone else how


def title(told: Sequence[Told], *, intent: str) -> str:
    """What happened, in the tense of the outcome, built from recorded words; the intent only before any action."""
    how = outcome([action.state for action in told])
    if not told:
        return f"Working on: {intent[:120]}"
    done = [action for action in told if action.state in SUCCESS]
    if how == "completed":
        return _join(_effects(done), "past")
    if how in {"running", "waiting"}:
        return _join(_effects([action for action in told if action.state in OPEN]), "present")
    return _ended_title(told, done)


def joined_title(count: int) -> str:
    """Of a trace that asked only for what had been asked for before."""
    return "Joined an action of another trace" if count == 1 else f"Joined {count} actions of other traces"


def _ended_title(told: Sequence[Told], done: Sequence[Told]) -> str:
    # Beside what is in doubt others may still be on their way; of those there is nothing to say yet.
    unfinished = [action for action in told if action.state in _VERDICTS]
    stopper = next((action for action in unfinished if action.state not in {"cancelled", "withdrawn"}), unfinished[0])
    sentence = f"{_VERDICTS[stopper.state]}: {_lower(stopper.words['imperative'])}"
    return f"{_join(_changing(done), 'past')}, then {_lower(sentence)}" if _changing(done) else sentence


_TIMES = {1: "", 2: " twice", 3: " three times"}
_VERDICTS = {
    "denied": "Denied",
    "rejected": "Rejected",
    "expired": "Expired",
    "blocked": "Blocked",
    "failed": "Failed",
    "failed_attested": "Not done",
    "stale": "Out of date",
    "unknown": "Outcome unknown",
    "needs_human": "Outcome unknown",
    "withdrawn": "Withdrawn",
    "cancelled": "Cancelled",
}


def _changing(actions: Sequence[Told]) -> list[Told]:
    return [action for action in actions if action.effect_class != "read"]


def _effects(actions: Sequence[Told]) -> list[Told]:
    """Actions that change something; the reads only when there is nothing else."""
    return _changing(actions) or list(actions)


def _join(actions: Sequence[Told], form: str) -> str:
    """The first ones by name, the others by how many. Only what is named is asked for its words: a plan may be long."""
    more = len(actions) - 1 - _MOST_PARTS
    said = Counter(action.words[form] for action in (actions if more <= 0 else actions[:_MOST_PARTS]))
    if more > 0:
        # What is named twice is named once; the other is one of those that follow.
        first, *rest = [*said, f"{len(actions) - len(said)} more"]
    else:
        first, *rest = [f"{words}{_TIMES[count]}" for words, count in said.items()]
    if not rest:
        return first
    *middle, last = map(_lower, rest)
    return f"{', '.join([first, *middle])} and {last}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
