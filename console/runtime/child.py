"""One child process: its output prefixed and logged, its death noticed, its end bound to ours."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_S = 30.0


def say(line: str) -> None:
    """One line to the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def die_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """A preexec function: on Linux the kernel ends the child when its parent dies, however it dies."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def bind() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return bind


@dataclass(slots=True)
class Child:
    """A supervised process. `stop_signal` asks it to end; after `grace_s` it is killed."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    stop_signal: int = signal.SIGTERM
    grace_s: float = 10.0
    quiet: bool = False
    stdin: bytes | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    not_before: float = 0.0
    _pump: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the supervisor."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - fixed commands of this program
            list(self.command),
            env=dict(self.env),
            stdin=subprocess.PIPE if self.stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(self.stop_signal),
        )
        if self.stdin is not None and self.process.stdin is not None:
            self.process.stdin.write(self.stdin)
            self.process.stdin.close()
        self._pump = threading.Thread(target=self._copy, args=(self.process,), daemon=True)
        self._pump.start()

    def _copy(self, process: subprocess.Popen[bytes]) -> None:
        """Every line to the log file; to the terminal too unless quiet."""
        assert process.stdout is not None
        with self.log.open("ab") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if not self.quiet:
                    say(f"{self.name:>8} | {line.decode('utf-8', 'replace').rstrip()}")

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def tend(self) -> None:
        """Start it again when it died, after a growing pause; a child that ran steadily starts over at the shortest."""
        now = time.monotonic()
        if not self.dead:
            if self.deaths and now - self.started > STEADY_S:
                self.deaths = 0
            return
        if not self.not_before:
            pause = BACK_OFF_S[min(self.deaths, len(BACK_OFF_S) - 1)]
            code = self.process.returncode if self.process else None
            say(f"{self.name:>8} | ended with {code}; starting it again in {pause:g} s")
            self.deaths, self.not_before = self.deaths + 1, now + pause
        elif now >= self.not_before:
            self.not_before = 0.0
            self.start()

    def stop(self) -> None:
        """Ask it to end, wait, then kill its whole session."""
        if self.process is None or self.dead:
            return
        self._signal(self.stop_signal)
        try:
            self.process.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL, whole=True)
            self.process.wait(5)

    def _signal(self, number: int, *, whole: bool = False) -> None:
        try:
            if whole:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return
