"""Steps over many records: every item an action of its own, a canary of the first ones, then a person lets the rest run.

What is alike is shown once, with how often, so that what is not alike is seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.access import has_permission
from accounts.actors import Actor
from accounts.clock import database_now
from accounts.models import User
from accounts.permissions import Permission
from actions.doorbell import ring
from actions.models import Action, Bulk
from actions.rollback import undone_step
from actions.states import SUCCESS
from actions.turns import next_to_run
from traces.canonical import digest_of
from traces.ledger import append
from traces.models import Trace


class ContinueRefused(Exception):
    """Nothing more ran; the message says why."""


@dataclass(slots=True)
class Group:
    """Items that change the same things, each from the same value to the same value, and send the same besides."""

    key: str
    actions: list[Action] = field(default_factory=list)

    @property
    def first(self) -> Action:
        return self.actions[0]

    @property
    def count(self) -> int:
        return len(self.actions)

    @property
    def targets(self) -> list[str]:
        """Which records, in the order of the steps: all that one decision on the group is about."""
        return [_target(action) for action in self.actions]

    @property
    def beside(self) -> dict[str, Any]:
        """What every one of them sends that is neither a field nor the record's name."""
        return _beside(self.first)


def default_canary(size: int) -> int:
    """How many run before a person looks: REMIT_BULK_CANARY, or 1 % where that is more; at most half, at least one."""
    return max(1, min(settings.REMIT_BULK_CANARY, size // 2), size // 100)


def groups_of(actions: Iterable[Action]) -> list[Group]:
    """The items by what they change, the largest group first."""
    found: dict[str, Group] = {}
    for action in actions:
        key = _likeness(action)
        found.setdefault(key, Group(key)).actions.append(action)
    return sorted(found.values(), key=lambda group: -group.count)


def _target(action: Action) -> str:
    names = action.definition.path_arguments() if action.definition else frozenset()
    return ", ".join(str(action.arguments[name]) for name in sorted(names) if name in action.arguments) or action.pk


def _beside(action: Action) -> dict[str, Any]:
    definition = action.definition
    if definition is None:
        return {}
    names = definition.path_arguments()
    return {name: value for name, value in definition.beside(action.arguments).items() if name not in names}


def _likeness(action: Action) -> str:
    """What makes two items alike: tool, decision, each field from what to what, and all that is sent besides.

    INVARIANT: what one verdict covers differs in nothing but the record. Held by tests/actions/test_bulk.py.
    """
    rows: Sequence[Mapping[str, object]] = action.changes
    parts = [
        [row["field"], row["kind"], row.get("old"), row.get("sent", row.get("new")), row.get("denied")] for row in rows
    ]
    return digest_of([action.tool_name, action.decision.get("effect", ""), parts, _beside(action)])[7:23]


def summary(groups: Sequence[Group]) -> str:
    """`412 rows: 400 identical, 12 outliers`."""
    total, alike = sum(group.count for group in groups), groups[0].count if groups else 0
    if total == alike:
        return f"{total} rows, all identical"
    outliers = total - alike
    return f"{total} rows: {alike} identical, {outliers} {'outlier' if outliers == 1 else 'outliers'}"


def refusal(user: User, bulk: Bulk) -> str:
    """Why this person can't let the rest run now, as a sentence; "" when they can."""
    workspace = bulk.plan.trace.workspace
    if not any(has_permission(user, one, workspace) for one in (Permission.TRACE_ROLLBACK, Permission.APPROVAL_DECIDE)):
        return "An operator or a reviewer looks at the first ones and lets the rest run."
    if bulk.continued_at is not None:
        return "The rest was let run already."
    if bulk.plan.stopped_at_step is not None:
        return "The plan has stopped, so nothing more of it runs."
    canary = bulk.items.filter(step__lt=bulk.first_step + bulk.canary)
    if canary.exclude(state__in=SUCCESS).exists():
        return f"The first {bulk.canary} have not all succeeded yet."
    undone = undone_step(bulk.plan)
    if undone is not None:
        return f"Step {undone.step} was rolled back, or is about to be, so nothing that follows it is let run."
    return "" if bulk.size > bulk.canary else "There is nothing left to run."


def continue_bulk(*, actor: Actor, user: User, bulk: Bulk) -> None:
    """Let the items behind the canary run, each in its turn and checked again before it does. Raises ContinueRefused.

    INVARIANT: nothing behind a canary runs before this. Held by tests/actions/test_bulk.py.
    """
    with transaction.atomic():
        # The trace's lock: of this and a rollback of the first ones, one sees the other.
        Trace.objects.select_for_update(of=("self",)).get(pk=bulk.plan.trace_id)
        locked = Bulk.objects.select_related("plan__trace__workspace").get(pk=bulk.pk)
        problem = refusal(user, locked)
        if problem:
            raise ContinueRefused(problem)
        Bulk.objects.filter(pk=locked.pk).update(continued_at=database_now(), continued_by=user)
        body = {"bulk": locked.pk, "plan": locked.plan_id, "done": locked.canary, "left": locked.size - locked.canary}
        append(actor=actor, trace_id=locked.plan.trace_id, type="bulk.continued", body=body)
        following = next_to_run(locked.plan_id)
        if following is not None:
            ring(following.pk)
