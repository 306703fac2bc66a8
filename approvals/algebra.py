"""The algebra of approval routes: which steps wait, who may decide them, when a request is approved. Pure values only.

A route is steps in order; a step that `joins` is decided at the same time as the one before. A human counts once in the
whole route, whatever accounts they have and whoever stood in for them (R-24).

INVARIANT: taking an approver, a vote or an escalation away never approves more; finding out that two accounts are one
human never does either. Held by tests/approvals/test_algebra.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

MOST_REMINDERS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """`number` counts from 1; steps of one `stage` are decided at the same time. `groups` include those it escalated to.

    Of `attributes`, each a name and its value, a person has all. Without a group, people or attributes, whoever may decide
    at all may decide it: the review of a draft.
    """

    number: int
    stage: int
    name: str
    quorum: int
    group: str
    people: frozenset[str]
    groups: frozenset[str]
    attributes: frozenset[tuple[str, str]] = frozenset()

    @property
    def anybody(self) -> bool:
        """Whether it names nobody."""
        return not self.groups and not self.people and not self.attributes


@dataclass(frozen=True, slots=True)
class Approver:
    """One account as the rules see it: its email, since when it is in which group and has which attribute, and every account
    of that human. `attributes` is (name, value) -> since when.
    """

    account: str
    email: str
    groups: Mapping[str, datetime]
    accounts: frozenset[str]
    attributes: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vote:
    """An approval that still counts, of one step. `humans` are the accounts of all it was given by and for."""

    step: int
    humans: frozenset[str]


@dataclass(frozen=True, slots=True)
class Timer:
    """What happens `after` a request was made while nobody decides. `number` tells timers of one kind apart."""

    kind: str
    number: int
    after: timedelta
    group: str = ""
    step: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from every other timer of its route."""
        return self.kind, self.number


def steps_of(route: Mapping[str, Any], escalated: Iterable[int] = ()) -> tuple[Step, ...]:
    """The steps of a route as recorded with its request; `escalated` are the places of escalations that happened."""
    added = [item for place, item in enumerate(route.get("escalation", ())) if place in set(escalated)]
    found: list[Step] = []
    for number, step in enumerate(route["steps"], start=1):
        stage = found[-1].stage + (not step.get("joins")) if found else 1
        more = {item["to"] for item in added if item["step"] in (None, step["name"])}
        group, people = step["group"] or "", frozenset(step.get("people", ()))
        wanted = frozenset((name, value) for name, value in step.get("attributes", ()))
        # A step that names nobody is open to all reviewers already; a group would narrow it.
        groups = frozenset({group, *more} - {""}) if group or people or wanted else frozenset[str]()
        found.append(Step(number, stage, step["name"], step["quorum"], group, people, groups, wanted))
    return tuple(found)


def with_seconds(steps: Iterable[Step], pressed: Iterable[int]) -> tuple[Step, ...]:
    """One person more on each step, by number, that somebody approved above the hourly limit (T25)."""
    more = set(pressed)
    return tuple(replace(step, quorum=step.quorum + 1) if step.number in more else step for step in steps)


def may_decide(step: Step, who: Approver, asked_at: datetime) -> bool:
    """Whether a step is this person's to decide: named, or in a group or with all the attributes since before it was asked
    (R-24).
    """
    if step.anybody or who.email in step.people:
        return True
    since = [who.attributes.get(wanted) for wanted in step.attributes]
    if since and all(at is not None and at <= asked_at for at in since):
        return True
    return any(group in who.groups and who.groups[group] <= asked_at for group in step.groups)


def humans(votes: Sequence[Vote]) -> list[int]:
    """For each vote the human it is of: votes that share an account, directly or through others, are of one."""
    found = list(range(len(votes)))
    for one, vote in enumerate(votes):
        for other in range(one):
            if vote.humans & votes[other].humans:
                old, new = found[one], found[other]
                found = [new if human == old else human for human in found]
    return found


def given(steps: Sequence[Step], votes: Sequence[Vote]) -> dict[int, int]:
    """How many different humans approved each step, every human on one step only; as many as can be in all.

    A human who voted on several steps counts where that fills most.
    """
    could = _by_human(votes)
    seats = [(step.number, seat) for step in steps for seat in range(step.quorum)]
    holder: dict[tuple[int, int], int] = {}
    for human in could:
        _seat(human, could, seats, holder, set())
    return {step.number: sum(number == step.number for number, _ in holder) for step in steps}


def _by_human(votes: Sequence[Vote]) -> dict[int, set[int]]:
    could: dict[int, set[int]] = {}
    for human, vote in zip(humans(votes), votes, strict=True):
        could.setdefault(human, set()).add(vote.step)
    return could


def _seat(
    human: int, could: Mapping[int, set[int]], seats: Sequence[tuple[int, int]], holder: dict[tuple[int, int], int],
    tried: set[tuple[int, int]],
) -> bool:  # fmt: skip
    """Give a human a seat, moving others on where that helps (augmenting paths)."""
    for seat in seats:
        if seat[0] not in could[human] or seat in tried:
            continue
        tried.add(seat)
        if seat not in holder or _seat(holder[seat], could, seats, holder, tried):
            holder[seat] = human
            return True
    return False


def waiting(steps: Sequence[Step], votes: Sequence[Vote]) -> tuple[Step, ...]:
    """The steps that may be decided now: those of the first stage that lacks people. Nothing when all is approved."""
    have = given(steps, votes)
    lacking = [step for step in steps if have[step.number] < step.quorum]
    return tuple(step for step in lacking if step.stage == lacking[0].stage)


def approved(steps: Sequence[Step], votes: Sequence[Vote]) -> bool:
    """Whether every step has its quorum of different humans."""
    return not waiting(steps, votes)


def timers(route: Mapping[str, Any], lasts: timedelta) -> list[Timer]:
    """Everything that may happen before the request expires, in time order."""
    found = [
        Timer("escalation", place, timedelta(seconds=item["after_s"]), item["to"], item["step"] or "")
        for place, item in enumerate(route.get("escalation", ()))
    ]
    every = timedelta(seconds=route.get("remind_s", 0))
    if every:
        found += [Timer("reminder", number, number * every) for number in range(1, MOST_REMINDERS + 1)]
    return sorted((timer for timer in found if timer.after < lasts), key=lambda timer: (timer.after, timer.kind))
