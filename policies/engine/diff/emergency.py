"""Compares what a route says of requests that nobody decides, and of emergencies: who is added, and who may skip a step."""

from policies.engine.diff.items import Judged
from policies.engine.diff.model import LOOSENS, NEUTRAL, TIGHTENS
from policies.engine.diff.words import join, span
from policies.engine.types import BreakGlass, Escalation, Route


def escalation(old: Route, new: Route) -> Judged:
    """A further group may decide: added it loosens, removed it tightens; any other time for it counts as loosening."""
    before, after = ({_key(route, item): item.after_s for item in route.escalation} for route in (old, new))
    if before == after:
        return None
    if set(after) - set(before):
        return LOOSENS, "More people may decide when nobody does."
    moved = [(before[key], after[key]) for key in after if before[key] != after[key]]
    if not moved:
        return TIGHTENS, "Fewer people may decide when nobody does."
    if any(now < was for was, now in moved):
        return LOOSENS, "More people may decide sooner."
    return LOOSENS, "A request that nobody decides waits longer before more people may."


def _key(route: Route, item: Escalation) -> tuple[str, frozenset[object]]:
    """Who is added, and beside whom: a step is known by the people it asks, because its name is only words."""
    about = (step for step in route.steps if step.name == item.step)
    return item.to, frozenset(
        {None} if item.step is None else {(step.group, step.people, step.attributes) for step in about}
    )


def break_glass(old: Route, new: Route) -> Judged:
    """A way past the steps: added it loosens, removed it tightens; in between, each of its terms."""
    before, after = old.break_glass, new.break_glass
    if before == after:
        return None
    if before is None or after is None:
        return (LOOSENS, "Somebody may skip the steps.") if before is None else (TIGHTENS, "Nobody may skip the steps.")
    if _loosens(before, after):
        return LOOSENS, "Other people may skip the steps, or they owe less for it."
    return TIGHTENS, "Who skips the steps owes more for it."


def _loosens(before: BreakGlass, after: BreakGlass) -> bool:
    return (
        (after.group, after.review_group) != (before.group, before.review_group)
        or after.reason_min < before.reason_min
        or after.review_within_s > before.review_within_s
        or not set(before.notify) <= set(after.notify)
    )


def remind(old: Route, new: Route) -> Judged:
    """A reminder decides nothing."""
    return None if old.remind_s == new.remind_s else (NEUTRAL, "A reminder decides nothing.")


def escalation_words(route: Route) -> str:
    """`managers after 30 minutes`."""
    return join(_escalation(item) for item in route.escalation)


def _escalation(item: Escalation) -> str:
    where = f" for {item.step}" if item.step else ""
    return f"{item.to}{where} after {span(item.after_s)}"


def break_glass_words(route: Route) -> str:
    """`incident-leads, reviewed by audit within 24 hours`."""
    terms = route.break_glass
    if terms is None:
        return "nobody"
    told = f", telling {join(sorted(terms.notify))}" if terms.notify else ""
    reason = f"with {terms.reason_min} characters of reason"
    return f"{terms.group} {reason}, reviewed by {terms.review_group} within {span(terms.review_within_s)}{told}"


def remind_words(route: Route) -> str:
    """`every 20 minutes`, or `never`."""
    return f"every {span(route.remind_s)}" if route.remind_s else "never"
