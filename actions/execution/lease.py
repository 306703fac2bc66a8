"""How long one attempt may act: a lease in the database and a deadline on this process's own monotonic clock (F-03)."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.clock import database_now

MARGIN_S = 0.5
MAX_TTL_S = 300


@dataclass(frozen=True, slots=True)
class Lease:
    """The end of the lease by the database clock, and by ours."""

    until: datetime
    deadline: float

    @classmethod
    def take(cls) -> "Lease":
        """A lease of REMIT_LEASE_S from now. Our deadline is taken first, so it never lies after the database's."""
        started = time.monotonic()
        return cls(database_now() + timedelta(seconds=settings.REMIT_LEASE_S), started + settings.REMIT_LEASE_S)

    def left_s(self) -> float:
        """Seconds in which this attempt may still act."""
        return self.deadline - time.monotonic() - MARGIN_S

    def timeout_s(self) -> float:
        """The socket deadline of the next call: inside the lease."""
        return min(float(settings.REMIT_CALL_TIMEOUT_S), self.left_s())

    def ttl_s(self) -> int:
        """The lifetime of the attempt's credential: whole seconds inside the lease, at most 300 (P8)."""
        return max(0, min(MAX_TTL_S, int(self.left_s() + MARGIN_S)))
