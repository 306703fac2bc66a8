"""Whose turn it is in a plan: steps run in order, each only after all before it succeeded (F-07)."""

from actions.models import Action
from actions.states import SUCCESS, State


def next_to_run(plan_id: str) -> Action | None:
    """The plan's first unfinished action, if it is authorized; None while it waits for people or the plan stopped."""
    first = Action.objects.filter(plan_id=plan_id).exclude(state__in=SUCCESS).order_by("step").first()
    return first if first is not None and first.state == State.AUTHORIZED else None


def is_its_turn(action: Action) -> bool:
    """Whether every earlier step of its plan succeeded; always, outside a plan."""
    if action.plan_id is None:
        return True
    earlier = Action.objects.filter(plan_id=action.plan_id, step__lt=action.step)
    return not earlier.exclude(state__in=SUCCESS).exists()
