"""Decides lists of recorded requests in order, by helper processes where there are several cores, else right here.

A helper takes one list at a time, so no two wait for each other to read. One that dies loses nothing: its list is decided here.
"""

import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from policies.engine.document import load
from policies.judging.__main__ import answer
from policies.judging.pipe import receive, send
from policies.judging.verdict import Judge, Verdict

logger = logging.getLogger("remit.replay")
ROOT = Path(__file__).resolve().parents[2]
# Two decide while this process reads and counts. Starting one takes about a third of a second of a processor.
HELPERS = 2
WORTH_IT = 4000
Ask = tuple[str, bool]
Item = TypeVar("Item")
Verdicts = list[Verdict | None]


def helpers_for(total: int) -> int:
    """How many helpers so many requests are worth on this machine."""
    cores = len(os.sched_getaffinity(0))
    return HELPERS if total >= WORTH_IT and cores > 1 else 0


class Crew:
    """Use it as a context manager: leaving it ends the helpers, whatever they are at."""

    def __init__(self, source: str, *, helpers: int) -> None:
        self.source, self.judge = source, Judge(load(source))
        self.wanted, self.helpers = helpers, list[Helper]()

    def __enter__(self) -> Self:
        self.helpers = [Helper(self.source) for _ in range(self.wanted)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for helper in self.helpers:
            helper.stop()

    def each(self, lists: Iterable[list[Item]], ask: Callable[[Item], Ask]) -> Iterator[tuple[list[Item], Verdicts]]:
        """Every list with the verdicts of its items, None for one that cannot be read; in the order they come."""
        waiting: deque[tuple[list[Item], list[Ask], Helper | None]] = deque()
        for number, items in enumerate(lists):
            if len(waiting) >= max(1, len(self.helpers)):
                yield self._next(waiting)
            asks = [ask(item) for item in items]
            helper = self.helpers[number % len(self.helpers)] if self.helpers else None
            waiting.append((items, asks, helper if helper and helper.take(asks) else None))
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[list[Item], list[Ask], "Helper | None"]]) -> tuple[list[Item], Verdicts]:
        items, asks, helper = waiting.popleft()
        found = helper.give() if helper else None
        return items, found if found is not None else [answer(self.judge, *one) for one in asks]


class Helper:
    """One process that decides. It is given the document and requests, and nothing of this process's environment."""

    def __init__(self, source: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "policies.judging"], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.alive = True
        self._tried(lambda: send(self._pipe(self.process.stdin), source))

    def take(self, asks: list[Ask]) -> bool:
        """Give it a list. False when it died."""
        self._tried(lambda: send(self._pipe(self.process.stdin), asks))
        return self.alive

    def give(self) -> Verdicts | None:
        """The verdicts of that list, waited for. None when it died."""
        found = self._tried(lambda: receive(self._pipe(self.process.stdout)))
        return None if found is None else [None if one is None else Verdict(*one) for one in found]

    def _tried(self, do: Callable[[], Any]) -> Any:
        if not self.alive:
            return None
        try:
            return do()
        except (OSError, EOFError):
            self.alive = False
            logger.warning("A helper of a replay died; its work is done without it.")
            return None

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> Any:
        assert pipe is not None  # noqa: S101 - both were asked for
        return pipe

    def stop(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.communicate()
