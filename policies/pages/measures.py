"""Rules beside reality: when each last fired, what limits counted, which breakers hold, what does not fit the tools."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policies.documents import still_read
from policies.engine.celtypes import check_types
from policies.engine.document import Document
from policies.engine.parts import Limit
from policies.models import BreakerTrip
from policies.pages import sentences
from policies.pages.place import Place
from policies.pages.rules import RuleLine, rule_lines
from policies.usage_stats import DAYS, last_fired, limit_history


def document_of(place: Place) -> Document | None:
    """The shown document, loaded; None for a policy that has none yet, or none that still loads."""
    shown = place.draft or place.live
    return still_read(shown) if shown else None


def measured_lines(place: Place, section: str, only: str = "") -> list[RuleLine]:
    """The rules of a section, or only the one of that id, each with how it met the last days."""
    fired = last_fired(place.policy.workspace_id, place.policy.slug)
    lines = rule_lines(place, section, all_problems(place) if section == "invariants" else ())
    found = [_with_last(line, fired.get(f"{section}.{line.id}")) for line in lines if only in ("", line.id)]
    if section != "limits":
        return found
    document = document_of(place)
    limits = {limit.id: limit for limit in document.limits} if document else {}
    return [_with_history(place, line, limits[line.id]) for line in found]


def _with_last(line: RuleLine, fired: Any) -> RuleLine:
    return line if fired is None else replace(line, last=fired[0], count=fired[1])


def _with_history(place: Place, line: RuleLine, limit: Limit) -> RuleLine:
    found = limit_history(place.policy.workspace_id, place.policy.slug, limit)
    return replace(line, history=found.days, history_text=_history_text(limit, found.days), history_bound=found.bound)


def _history_text(limit: Limit, numbers: tuple[int, ...]) -> str:
    """What the line of the last 30 days shows, in words."""
    rule: Mapping[str, Any] = {"kind": limit.kind, "currency": limit.currency, "max": max(numbers, default=0)}
    most = sentences.amount_of(rule)
    if not any(numbers):
        return f"Nothing counted in {DAYS} days"
    return f"{'Largest action' if limit.per == 'action' else 'Busiest day'} in {DAYS} days: {most}"


def all_problems(place: Place) -> tuple[str, ...]:
    """What does not fit the tools, as sentences that start with the rule."""
    document = document_of(place)
    return check_types(document, place.tools) if document else ()


def problems_of(place: Place, section: str, id: str) -> tuple[str, ...]:
    """The same, of one rule."""
    return tuple(text for text in all_problems(place) if text.startswith(f"{section}.{id},"))


def trips_of(place: Place) -> list[BreakerTrip]:
    """Breakers of this policy that hold calls now."""
    trips = BreakerTrip.objects.filter(workspace_id=place.policy.workspace_id, policy=place.policy.slug, reset_at=None)
    return list(trips)
