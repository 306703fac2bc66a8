"""The shadow page: what a version that decides nothing would have decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from policies.models import DecisionRecord, ShadowVersion
from policies.pages.impact import FROM_WORDS, TO_STATUS
from policies.pages.place import Place
from policies.shadow import Difference, shadow_differences, shadow_total


@dataclass(frozen=True, slots=True)
class ShadowGroup:
    """Decisions the shadow would have made otherwise in one way."""

    count: int
    before: str
    status: str
    after: str
    rule: str
    shadow_rule: str
    records: tuple[DecisionRecord, ...]


@dataclass(frozen=True, slots=True)
class ShadowPage:
    """What runs, since when, and what it said."""

    running: ShadowVersion | None
    earlier: tuple[ShadowVersion, ...]
    total: int
    different: int
    groups: tuple[ShadowGroup, ...]


def shadow_page(place: Place, *, since: datetime) -> ShadowPage:
    """The page of a policy: of the running shadow, or of all that ran where none does."""
    running = place.policy.shadows.filter(ended_at=None).first()
    digest = running.digest if running else None
    found = shadow_differences(place.policy, since, digest=digest)
    records = _records(place, [action for group in found for action in group.action_ids])
    return ShadowPage(
        running=running,
        earlier=tuple(place.policy.shadows.exclude(ended_at=None)[:10]),
        total=shadow_total(place.policy, since, digest=digest),
        different=sum(group.count for group in found),
        groups=tuple(_group(group, records) for group in found),
    )


def _records(place: Place, ids: Iterable[str]) -> dict[str, DecisionRecord]:
    found = DecisionRecord.objects.filter(workspace_id=place.policy.workspace_id, action_id__in=list(ids))
    return {record.action_id: record for record in found}


def _group(group: Difference, records: dict[str, DecisionRecord]) -> ShadowGroup:
    status, after = TO_STATUS[group.shadow_effect]
    mine = tuple(records[action] for action in group.action_ids if action in records)
    return ShadowGroup(group.count, FROM_WORDS[group.effect], status, after, group.rule, group.shadow_rule, mine)
