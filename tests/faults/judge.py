"""Judges a history against the remote's own truth: nothing lost, doubled or silent (T4). Pure; it can fail, and is shown to."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NO_EFFECT = {"failed", "blocked", "denied", "rejected", "expired", "withdrawn", "stale", "cancelled"}
OPEN = {"proposed", "pending", "authorized", "claimed", "dispatching", "unknown"}


@dataclass(frozen=True)
class Told:
    """What Remit says of one action: its class, the state it came to rest in, the ledger's entry types in order."""

    id: str
    klass: str
    state: str
    types: tuple[str, ...]
    # Whether a failover put it in doubt, so that what it sent may not be in this ledger.
    failover: bool = False


@dataclass(frozen=True)
class Verdict:
    """How many were judged, and every fatal finding as a sentence."""

    judged: int
    fatal: tuple[str, ...]
    states: Mapping[str, int]

    def __str__(self) -> str:
        counted = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return f"{self.judged - len(self.fatal)} passed, {len(self.fatal)} failed ({counted})"


def judge(told: Iterable[Told], effects: Mapping[str, int]) -> Verdict:
    """Every action against what the remote really did."""
    actions = list(told)
    found = [problem for action in actions for problem in _problems(action, effects.get(action.id, 0))]
    known = {action.id for action in actions}
    found += [f"{id}: an effect of no action of ours." for id in effects if id not in known]
    states = Counter(f"{action.klass}:{action.state}" for action in actions)
    return Verdict(len(actions), tuple(found), states)


def _problems(action: Told, effects: int) -> Iterable[str]:
    where = f"{action.id} ({action.klass}, {action.state})"
    if effects > 1:
        yield f"{where}: doubled, {effects} effects."
    elif action.state in OPEN:
        yield f"{where}: lost, it never came to rest."
    elif action.state.startswith("succeeded") and effects != 1:
        yield f"{where}: silent, it is called done and had no effect."
    elif action.state in NO_EFFECT and effects:
        yield f"{where}: silent, it had an effect and is called without one."
    elif action.state == "needs_human" and (action.klass != "c" or not _left(action)):
        yield f"{where}: a person is asked about what could be found out."
    elif action.klass == "c" and action.state == "needs_human" and _answered(action):
        yield f"{where}: a person is asked though the answer came."


def _left(action: Told) -> bool:
    return action.failover or "action.dispatching" in action.types


def _answered(action: Told) -> bool:
    return {"action.succeeded", "action.failed"} & set(action.types) != set()
