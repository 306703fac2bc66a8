"""Drops what was told long ago: messages that ended and their words, as one ledgered act (E-02). Nothing of the ledger goes."""

from datetime import timedelta

from django.db import transaction

from accounts.actors import Actor
from accounts.clock import database_now
from traces.canonical import instant
from traces.notices.models import Delivery, Notice
from traces.services import record_governance

AT_ONCE = 1000


def drop_notices(*, actor: Actor, workspace_id: str, days: int) -> int:
    """Drop every message of a workspace that ended more than `days` ago, some at a time. Returns how many messages went.

    What still waits to be sent stays, however old. Raises ValueError for less than a day.
    """
    if days < 1:
        raise ValueError("Notices are kept for at least 1 day.")
    total = 0
    while some := _some(actor, workspace_id, days):
        total += some
    return total


def _some(actor: Actor, workspace_id: str, days: int) -> int:
    before = database_now() - timedelta(days=days)
    with transaction.atomic():
        ended = Delivery.objects.exclude(state=Delivery.State.QUEUED).filter(channel__workspace=workspace_id)
        old = ended.filter(ended_at__lt=before).select_for_update(of=("self",), skip_locked=True).order_by("pk")
        gone = list(old.values_list("pk", flat=True)[:AT_ONCE])
        if gone:
            notices, _ = Notice.objects.filter(delivery__in=gone).delete()
            Delivery.objects.filter(pk__in=gone).delete()
            body = {"days": days, "before": instant(before), "messages": len(gone), "notices": notices}
            record_governance(actor=actor, workspace_id=workspace_id, type="notices.dropped", body=body)
    return len(gone)
