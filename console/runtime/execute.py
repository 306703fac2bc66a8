"""`python -m console.runtime exec -- COMMAND`: the servers for the time of one command only (tests, management)."""

import signal
import subprocess
from collections.abc import Sequence

from console.runtime.child import die_with_parent
from console.runtime.layout import lock, prepare
from console.runtime.stack import ROOT, Stack, environment


def execute(data: str, command: Sequence[str]) -> int:
    """Run the command with DATABASE_URL and REDIS_URL set; give back its exit code. Raises StartError."""
    layout = prepare(ROOT / data)
    held = lock(layout)
    stack = Stack(layout, environment(layout))
    try:
        stack.start()
        with subprocess.Popen(list(command), env=stack.env, cwd=ROOT, preexec_fn=die_with_parent()) as process:  # noqa: S603
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda n, _: process.send_signal(n))
            return process.wait()
    finally:
        stack.stop()
        held.close()
