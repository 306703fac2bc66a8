"""What a candidate document would have held of each limit, counted while the past goes by. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush


@dataclass(slots=True)
class _Held:
    """One amount of one counter; 0 once it left the window or was given back."""

    at: datetime
    amount: int


class Rolling:
    """Usage of every counter in its rolling window: what was held counts until it leaves the window or is given back."""

    def __init__(self) -> None:
        self._held: dict[str, deque[_Held]] = {}
        self._total: dict[str, int] = {}
        self._returns: list[tuple[datetime, int, str, _Held]] = []
        self._number = 0

    def usage(self, counters: Mapping[str, int], at: datetime) -> dict[str, int]:
        """What each counter holds at this instant. `counters` is key -> window in seconds; times only grow."""
        while self._returns and self._returns[0][0] <= at:
            _, _, key, held = heappop(self._returns)
            self._free(key, held)
        return {key: self._used(key, at - timedelta(seconds=window)) for key, window in counters.items()}

    def _used(self, key: str, since: datetime) -> int:
        queue = self._held.get(key)
        while queue and queue[0].at <= since:
            self._free(key, queue.popleft())
        return self._total.get(key, 0)

    def _free(self, key: str, held: _Held) -> None:
        self._total[key] -= held.amount
        held.amount = 0

    def hold(self, amounts: Iterable[tuple[str, int]], at: datetime, *, until: datetime | None) -> None:
        """Count what a decision holds of each counter; until a time, where the action came to nothing then and gave it back."""
        for key, amount in amounts:
            held = _Held(at, amount)
            self._held.setdefault(key, deque()).append(held)
            self._total[key] = self._total.get(key, 0) + amount
            if until is not None:
                self._number += 1
                heappush(self._returns, (until, self._number, key, held))
