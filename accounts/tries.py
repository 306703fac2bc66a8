"""Sign-ins that failed: counted in windows, so that strangers can't lengthen a chain as they like.

INVARIANT: an account's wrong tries, and refusals of one kind at the identity provider, leave at most one entry for each
power of ten in a window. Held by tests/accounts/test_tries.py and tests/accounts/test_oidc_refusals.py.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.actors import stranger
from accounts.acts import record_act, record_everywhere, told_person
from accounts.clock import database_now
from accounts.models import SignInTries, User, Workspace

WINDOW = timedelta(minutes=15)
FAILED = "sign_in.failed"
REFUSED = "sign_in.refused"
# Addresses that are nobody's are counted as one, so that a try takes as long whether the account exists or not.
NOBODY = ""
# What is refused at the identity provider is counted apart from wrong passwords: by person, else by kind.
AT_PROVIDER = "idp:"


def note_failure(email: str) -> None:
    """One wrong try more. The first of a window, the tenth, the hundredth are entries in each of the person's workspaces.

    An entry says how many there were in this window so far, and how many in the one before it that no entry had told.
    """
    user = User.objects.filter(email=email).first()
    with transaction.atomic():
        told = _counted(user.pk if user else NOBODY)
        if user is not None and told is not None:
            record_everywhere(actor=stranger(), user=user, type=FAILED, body={"person": told_person(user), **told})


def note_refusal(*, kind: str, user: User | None, issuer: str) -> None:
    """A sign-in that the identity provider's answer did not carry, told like a wrong password.

    Of an account that is known it is told where that person belongs; else in the workspaces of the provider's people, with
    its kind and nothing of what a stranger said, which might be of another tenant.
    """
    with transaction.atomic():
        told = _counted(AT_PROVIDER + (user.pk if user else kind))
        if told is not None and user is not None:
            body = {"person": told_person(user), "why": kind, **told}
            record_everywhere(actor=stranger(), user=user, type=REFUSED, body=body)
        elif told is not None:
            for workspace in Workspace.objects.filter(memberships__user__issuer=issuer).distinct().order_by("pk"):
                record_act(actor=stranger(), workspace_id=workspace.pk, type=REFUSED, body={"why": kind, **told})


def _counted(who: str) -> Mapping[str, Any] | None:
    """Counts one more under the counter's lock; what an entry says of it, or None where the ledger need not hear of it."""
    now, untold = database_now(), 0
    SignInTries.objects.get_or_create(who=who, defaults={"since": now})
    row = SignInTries.objects.select_for_update().get(who=who)
    if now - row.since >= WINDOW:
        untold = row.failures - row.next_told // 10
        row.failures, row.since, row.next_told = 0, now, 1
    row.failures += 1
    is_told = row.failures == row.next_told
    if is_told:
        row.next_told *= 10
    row.save(update_fields=["failures", "since", "next_told"])
    return {"tries": row.failures, "untold_before": untold} if is_told else None
