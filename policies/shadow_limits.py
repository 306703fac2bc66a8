"""The windowed limits of a shadow, counted from what it would have let through itself.

Before it started, what the live version held of a limit with the same key counts: a shadow does not begin with empty budgets.
No lock is taken, because nothing is decided by it: two calls at one instant may each miss the other.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, Sum

from accounts.clock import database_now
from policies.engine import checks
from policies.engine.document import Document
from policies.engine.types import Hold, Request
from policies.history import Outcome
from policies.limits import held_since
from policies.models import DecisionRecord, ShadowHold, ShadowVersion

_ASKS = ("approval", "draft")


def shadow_usage(shadow: ShadowVersion, document: Document, request: Request, *, action_id: str) -> dict[str, int]:
    """What other actions would hold of each of the shadow's windowed limits that this call counts against."""
    now, policy = database_now(), shadow.policy
    found: dict[str, int] = {}
    for key, window in checks.counters(document, request).items():
        since = now - timedelta(seconds=window)
        before = (
            held_since(policy.workspace_id, policy.slug, key, since, until=shadow.started_at, but=action_id)
            if since < shadow.started_at
            else 0
        )
        found[key] = before + _would_hold(shadow, key, since, action_id)
    return found


def _would_hold(shadow: ShadowVersion, key: str, since: datetime, action_id: str) -> int:
    held = ShadowHold.objects.filter(shadow=shadow, key=key, at__gt=since).exclude(action_id=action_id)
    nothing = Exists(DecisionRecord.objects.filter(_given_back(), action_id=OuterRef("action_id")))
    return held.exclude(nothing).aggregate(total=Sum("amount"))["total"] or 0


def _given_back() -> Q:
    """What came to nothing where it would have under the shadow too; the same reading as a replay's.

    What the live version denied counts if the shadow would have let it through, and so does what people refused if the
    shadow would have asked nobody.
    """
    refused = Q(outcome__in=(Outcome.REJECTED, Outcome.NOT_RUN)) & (
        Q(shadow_effect__in=_ASKS) | Q(shadow_effect=F("effect"))
    )
    return ~Q(effect="deny") & (Q(outcome=Outcome.FAILED) | refused)


def hold_in_shadow(shadow: ShadowVersion, *, action_id: str, holds: Iterable[Hold]) -> None:
    """Remember what a decision of the shadow would hold, instead of what an earlier one on the same action would."""
    ShadowHold.objects.filter(shadow=shadow, action_id=action_id).delete()
    now = database_now()
    ShadowHold.objects.bulk_create(
        ShadowHold(shadow=shadow, action_id=action_id, key=hold.key, amount=hold.amount, at=now) for hold in holds
    )
