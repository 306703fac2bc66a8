"""At most so many wrong answers in so many minutes; all answers of one person wait for each other."""

from datetime import timedelta

from accounts.clock import database_now
from accounts.factors.models import FactorAttempts
from accounts.models import User

MOST = 5
WINDOW = timedelta(minutes=5)


class TooManyAttempts(Exception):
    """No answer is looked at until the window has passed."""


def begin(user: User) -> FactorAttempts:
    """This person's counter under its row lock: from here to the end of the transaction no other answer is checked.

    INVARIANT: no right answer counts while the counter is full. Held by tests/stepup/test_codes.py. Raises TooManyAttempts.
    """
    now = database_now()
    FactorAttempts.objects.get_or_create(user=user, defaults={"since": now})
    row = FactorAttempts.objects.select_for_update().get(user=user)
    if now - row.since >= WINDOW:
        row.failures, row.since = 0, now
        row.save(update_fields=["failures", "since"])
    if row.failures >= MOST:
        until = row.since + WINDOW
        raise TooManyAttempts(f"{MOST} wrong answers. Try again at {until:%H:%M:%S} UTC.")
    return row


def failed(row: FactorAttempts) -> None:
    """One wrong answer more."""
    row.failures += 1
    row.save(update_fields=["failures"])


def passed(row: FactorAttempts) -> None:
    """A right answer empties the counter."""
    row.failures = 0
    row.save(update_fields=["failures"])
