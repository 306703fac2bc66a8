"""A plan and its rollback keep out of each other's way: no step runs on what was undone, nothing is undone under a step (F-07).

INVARIANT: whoever asks holds the trace's row lock, so that of a rollback and a step let run one sees the other. Held by
tests/actions/test_undo_order.py.
"""

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q

from actions.models import Action, Bulk, Plan, Rollback
from actions.states import FINAL, SUCCESS, State
from traces.models import Trace


def open_step(trace: Trace, actions: Iterable[Action]) -> Action | None:
    """The first step that could still take effect in the plans of these actions, or in plans that go on from those.

    What waits behind a canary is left out: it runs only when a person lets it, and `undone_step` refuses that.
    """
    plans = _together(trace, {action.plan_id for action in actions if action.plan_id is not None})
    canaries = Bulk.objects.filter(plan_id=OuterRef("plan_id"), continued_at=None, size__gt=F("canary"))
    behind = Exists(canaries.alias(end=F("first_step") + F("canary")).filter(end__lte=OuterRef("step")))
    unfinished = Action.objects.filter(plan_id__in=plans).exclude(state__in=FINAL)
    held = Q(behind, state__in=[State.AUTHORIZED, State.PENDING])
    return unfinished.exclude(held).order_by("step").first()


def undone_step(plan: Plan) -> Action | None:
    """The first done step that was rolled back, or that a rollback is about, in this plan or those it goes on from."""
    plans = _together(plan.trace, {plan.pk})
    done = Action.objects.filter(plan_id__in=plans, state__in=SUCCESS)
    todo = Rollback.objects.filter(trace=plan.trace, state=Rollback.State.RUNNING).values_list("todo", flat=True)
    under_way = [item["action"] for items in todo for item in items]
    open_undo = Action.objects.filter(rollback_of=OuterRef("pk")).exclude(state__in=FINAL)
    undone = ~Q(rollback_state="") | Q(pk__in=under_way) | Q(Exists(open_undo))
    return done.filter(undone).order_by("step").first()


def _together(trace: Trace, plans: set[str]) -> set[str]:
    """These plans with all that were resumed from them or that they resume."""
    pairs = list(Plan.objects.filter(trace=trace, resumes__isnull=False).values_list("pk", "resumes_id"))
    found = set(plans)
    while more := {one for pair in pairs if found & set(pair) for one in pair} - found:
        found |= more
    return found
