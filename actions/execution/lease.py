"""How long one attempt may act: a lease in the database and a deadline on this process's own monotonic clock (F-03)."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.clock import database_now

MARGIN_S = 0.5
MAX_TTL_S = 300
# The longest that a system is waited for while it mints a credential.
LONGEST_ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class Bound:
    """The instant by our own clock after which nothing leaves, nor any credential lives."""

    deadline: float

    @classmethod
    def after(cls, seconds: float) -> "Bound":
        """For a look that belongs to no attempt."""
        return cls(time.monotonic() + seconds)

    def left_s(self) -> float:
        """Seconds in which something may still leave."""
        return self.deadline - time.monotonic() - MARGIN_S

    def timeout_s(self) -> float:
        """The socket deadline of the next call: inside the bound."""
        return min(float(settings.REMIT_CALL_TIMEOUT_S), self.left_s())

    def asking(self) -> tuple[float, int]:
        """How long a credential may be asked for, and for how many whole seconds; (0, 0) where no time is left for it.

        INVARIANT: a credential that is minted at the very end of the asking still dies inside the bound (P8, T17). Held by
        tests/faults/test_slow_credentials.py.
        """
        left = self.left_s()
        ask = min(LONGEST_ASK_S, left / 2)
        ttl = min(MAX_TTL_S, int(left + MARGIN_S - ask))
        return (ask, ttl) if ask > 0 and ttl > 0 else (0.0, 0)


@dataclass(frozen=True, slots=True)
class Lease(Bound):
    """The bound of an attempt: `until` is the same end by the database's clock."""

    until: datetime

    @classmethod
    def take(cls) -> "Lease":
        """A lease of REMIT_LEASE_S from now. Our deadline is taken first, so it never lies after the database's."""
        started = time.monotonic()
        return cls(started + settings.REMIT_LEASE_S, database_now() + timedelta(seconds=settings.REMIT_LEASE_S))
