"""Sign-ins that failed: counted in windows for each account, so that strangers can't lengthen a chain as they like.

INVARIANT: an account's wrong tries leave at most one entry for each power of ten in a window. Held by
tests/accounts/test_tries.py.
"""

from datetime import timedelta

from django.db import transaction

from accounts.actors import stranger
from accounts.acts import record_everywhere, told_person
from accounts.clock import database_now
from accounts.models import SignInTries, User

WINDOW = timedelta(minutes=15)
FAILED = "sign_in.failed"
# Addresses that are nobody's are counted as one, so that a try takes as long whether the account exists or not.
NOBODY = ""


def note_failure(email: str) -> None:
    """One wrong try more. The first of a window, the tenth, the hundredth are entries in each of the person's workspaces.

    An entry says how many there were in this window so far, and how many in the one before it that no entry had told.
    """
    user = User.objects.filter(email=email).first()
    with transaction.atomic():
        row, untold = _counted(user.pk if user else NOBODY)
        if user is not None and row.failures == row.next_told:
            body = {"person": told_person(user), "tries": row.failures, "untold_before": untold}
            record_everywhere(actor=stranger(), user=user, type=FAILED, body=body)
        if row.failures == row.next_told:
            row.next_told *= 10
        row.save(update_fields=["failures", "since", "next_told"])


def _counted(who: str) -> tuple[SignInTries, int]:
    """The account's counter with this try, under its lock, and what a window that ended left untold."""
    now, untold = database_now(), 0
    SignInTries.objects.get_or_create(who=who, defaults={"since": now})
    row = SignInTries.objects.select_for_update().get(who=who)
    if now - row.since >= WINDOW:
        untold = row.failures - row.next_told // 10
        row.failures, row.since, row.next_told = 0, now, 1
    row.failures += 1
    return row, untold
