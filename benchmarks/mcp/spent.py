"""Milliseconds of a processor that processes took: read from /proc, again and again, because a backend may end meanwhile."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_S = 0.5
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Spent:
    """What the web processes under one and the backends of one database took since it was begun."""

    def __init__(self, web: int, database: str) -> None:
        self._web, self._database = web, database
        self._first, self._last = self._now(), dict[tuple[str, int], float]()

    def look(self) -> None:
        """Read once more; what began after the beginning counts whole."""
        self._last |= self._now()

    def ms(self, part: str) -> float:
        """Of `web` or `database`."""
        return sum(now - self._first.get(one, 0.0) for one, now in self._last.items() if one[0] == part)

    def _now(self) -> dict[tuple[str, int], float]:
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                said = (folder / "cmdline").read_bytes().replace(b"\x00", b" ").decode(errors="replace")
                behind = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # It ended while we looked.
            part = self._part(int(folder.name), int(behind[1]), said)
            if part:
                found[part, int(folder.name)] = (int(behind[11]) + int(behind[12])) * TICK_MS
        return found

    def _part(self, pid: int, parent: int, said: str) -> str:
        if self._web in {pid, parent}:
            return "web"
        return "database" if said.startswith("postgres: ") and f" {self._database} " in said else ""


@contextmanager
def spending(web: int, database: str) -> Iterator[Spent]:
    """What is taken meanwhile."""
    spent, over = Spent(web, database), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            spent.look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield spent
    finally:
        over.set()
        watcher.join()
        spent.look()
