"""Whose turn it is in a plan: steps run in order, each only after all before it succeeded, until one stops it (F-07)."""

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from actions.models import Action
from actions.states import STOPS_PLAN, STOPS_WHOLE_PLAN, SUCCESS, TAKEN_ALONG, State


def next_to_run(plan_id: str) -> Action | None:
    """The plan's first unfinished action, if it may run; None while it waits for people or the plan stopped."""
    unfinished = Action.objects.filter(plan_id=plan_id).exclude(state__in=SUCCESS)
    first = unfinished.select_related("bulk").order_by("step").first()
    if first is None or first.state != State.AUTHORIZED or not is_its_turn(first):
        return None
    return first


def behind_canary(action: Action) -> bool:
    """Whether it is an item of a bulk step whose first ones nobody has looked at yet."""
    bulk = action.bulk
    return bulk is not None and bulk.continued_at is None and action.step >= bulk.first_step + bulk.canary


# The same for the sweeper, as a condition on actions.
BEHIND_CANARY = Q(bulk__isnull=False, bulk__continued_at=None, step__gte=F("bulk__first_step") + F("bulk__canary"))


def broken_step(plan_id: str) -> Action | None:
    """The step that stops a plan: the first that ended without success, of those that no other took along.

    A step that was refused takes the steps before it along too; they are not why the plan stopped.
    """
    ended = Action.objects.filter(plan_id=plan_id, state__in=STOPS_PLAN).order_by("step")
    first = ended.first()
    if first is None or first.state not in TAKEN_ALONG:
        return first
    return ended.filter(state__in=STOPS_WHOLE_PLAN).first() or first


def is_stopped_by(action: Action, broken: Action) -> bool:
    """Whether the broken step takes this one along: all of its plan, or where a person rejected it only what comes after."""
    return action.step > broken.step or broken.state != State.REJECTED


def stopped(actions: QuerySet[Action]) -> QuerySet[Action]:
    """Those of them that the broken step of their plan takes along: the same for the sweeper."""
    broken = Action.objects.filter(plan_id=OuterRef("plan_id"), state__in=STOPS_PLAN).order_by("step")
    first = {name: Subquery(broken.values(name)[:1]) for name in ("step", "state")}
    told = actions.filter(plan__isnull=False).alias(broken_step=first["step"], broken_state=first["state"])
    taken = Q(step__gt=F("broken_step")) | ~Q(broken_state=State.REJECTED)
    return told.filter(taken, broken_step__isnull=False)


def is_its_turn(action: Action) -> bool:
    """Whether it may start: always outside a plan; in one, after every earlier step, and while nothing stopped the plan.

    INVARIANT: no step starts of a plan that a step of it stopped, told or not. Held by tests/actions/test_turns.py.
    """
    if action.plan_id is None:
        return True
    if behind_canary(action):
        return False
    broken = broken_step(action.plan_id)
    if broken is not None and is_stopped_by(action, broken):
        return False
    earlier = Action.objects.filter(plan_id=action.plan_id, step__lt=action.step)
    return not earlier.exclude(state__in=SUCCESS).exists()
