"""A server in a process of its own, for as long as a benchmark asks it."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], url: str, *, log: Path, also: Mapping[str, str] | None = None) -> Iterator[int]:
    """The pid of a program that answers at an address, with `also` in its environment and its output in `log`; ended with the block.

    Raises SystemExit where it stays silent.
    """
    with log.open("wb") as told:
        process = subprocess.Popen(list(command), env={**os.environ, **(also or {})}, stdout=told, stderr=told)  # noqa: S603 - our own words
        try:
            wait(url, process, log)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


def wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers anything at all, two minutes at most."""
    for _ in range(1200):
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.1)
        if process.poll() is not None:
            break
    raise SystemExit(
        f"Nothing answers at {url}; its process says {process.poll()}: {log.read_text(errors='replace')[-2000:]}"
    )
