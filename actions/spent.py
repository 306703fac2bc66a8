"""What opened something once and opens nothing any more: kept for a time, so that who shows it again is known, then dropped.

INVARIANT: nothing that is alive goes, nor what a second use could still end, nor a token by which an action was asked for.
Held by tests/actions/test_spent.py. The ledger keeps every act of them.
"""

from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from oauth2_provider.models import AccessToken

from accounts.clock import database_now
from accounts.models import Consent, ConsentRefresh, PersonToken

# After it ran out. A consent runs out after its own hours at the latest, and every code and refresh token of it by then.
KEPT = timedelta(days=30)
AT_ONCE = 1000


def drop_spent() -> int:
    """Drop sessions that ran out, and tokens and consents that ran out a good while ago. Returns how many rows."""
    now = database_now()
    before = now - KEPT
    return sum(
        _dropped(found)
        for found in (
            Session.objects.filter(expire_date__lt=now),
            AccessToken.objects.filter(expires__lt=before),
            PersonToken.objects.filter(expires_at__lt=before, actions=None),
            ConsentRefresh.objects.filter(consent__expires_at__lt=before),
            Consent.objects.filter(expires_at__lt=before, tokens=None),
        )
    )


def _dropped(found: QuerySet[Any]) -> int:
    """Some at a time, so that no lock is held long."""
    total = 0
    while some := list(found.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        found.model._default_manager.filter(pk__in=some).delete()
        total += len(some)
    return total
