"""Whose turn it is in a plan: steps run in order, each only after all before it succeeded (F-07)."""

from django.db.models import F, Q

from actions.models import Action
from actions.states import SUCCESS, State


def next_to_run(plan_id: str) -> Action | None:
    """The plan's first unfinished action, if it may run; None while it waits for people or the plan stopped."""
    unfinished = Action.objects.filter(plan_id=plan_id).exclude(state__in=SUCCESS)
    first = unfinished.select_related("bulk").order_by("step").first()
    if first is None or first.state != State.AUTHORIZED or behind_canary(first):
        return None
    return first


def behind_canary(action: Action) -> bool:
    """Whether it is an item of a bulk step whose first ones nobody has looked at yet."""
    bulk = action.bulk
    return bulk is not None and bulk.continued_at is None and action.step >= bulk.first_step + bulk.canary


# The same for the sweeper, as a condition on actions.
BEHIND_CANARY = Q(bulk__isnull=False, bulk__continued_at=None, step__gte=F("bulk__first_step") + F("bulk__canary"))


def is_its_turn(action: Action) -> bool:
    """Whether every earlier step of its plan succeeded, and a person let it run where one must; always, outside a plan."""
    if action.plan_id is None:
        return True
    if behind_canary(action):
        return False
    earlier = Action.objects.filter(plan_id=action.plan_id, step__lt=action.step)
    return not earlier.exclude(state__in=SUCCESS).exists()
