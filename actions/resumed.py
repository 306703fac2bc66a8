"""Decisions on a plan and edits of a payload that were kept before they were recorded, in people's words."""

from collections.abc import Iterator

from accounts.access import NotVisible
from accounts.kept import Kept
from accounts.models import User
from accounts.resumed import Told, describe_by
from actions.access import get_plan_for
from actions.bulk import groups_of
from actions.models import Action, Plan
from actions.plan_page import requests_of
from approvals.access import get_request_for
from approvals.resumed import CHOICES, fate


def describe_forms() -> None:
    """Called once when the app starts."""
    describe_by("actions:decide_plan", _plan)
    describe_by("actions:edit", _edit)


def _plan(user: User, kept: Kept, plan_id: str) -> Told:
    """A line for each step that was decided, with the reason under it; steps left for now have none."""
    plan = get_plan_for(user, plan_id)
    lines = [*_alone(user, kept, plan), *_groups(kept, plan)]
    return Told("Your decisions on this plan", tuple(lines) or (("Nothing", "Every step was left for now"),))


def _alone(user: User, kept: Kept, plan: Plan) -> Iterator[tuple[str, str]]:
    for found in requests_of(user, plan):
        choice = kept.data.get(f"choice-{found.pk}")
        if choice:
            yield found.title, fate(found, kept.data.get(f"digest-{found.pk}", ""), choice)
            yield from _reason(kept, found.pk)


def _groups(kept: Kept, plan: Plan) -> Iterator[tuple[str, str]]:
    items = Action.objects.filter(plan=plan, bulk__isnull=False).select_related("tool__connection")
    for group in groups_of(items.order_by("step")):
        choice = kept.data.get(f"choice-{group.key}", "")
        if choice in CHOICES:
            yield f"{group.count} alike: {group.first.title}", CHOICES[choice]
            yield from _reason(kept, group.key)


def _reason(kept: Kept, key: str) -> Iterator[tuple[str, str]]:
    text = kept.data.get(f"reason-{key}", "").strip()
    if text:
        yield "Reason", text


def _edit(user: User, kept: Kept, request_id: str) -> Told:
    found = get_request_for(user, request_id)
    if not found.is_open:
        raise NotVisible("approval")
    typed = tuple((name.replace("_", " ").capitalize(), value) for name, value in kept.fields if name != "digest")
    return Told(f"Your edit of: {found.title}", typed)
