"""Commands on embedded servers: `exec -- COMMAND` on servers of its own (tests), `manage -- ARGUMENTS` on the installation."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO
from urllib.parse import urlsplit

from console.runtime.child import die_with_parent
from console.runtime.layout import Layout, StartError, lock, prepare
from console.runtime.stack import ROOT, Stack, environment


def execute(data: str, command: Sequence[str]) -> int:
    """Run the command with DATABASE_URL and REDIS_URL set; give back its exit code. Raises StartError."""
    layout = prepare(ROOT / data)
    return _alone(layout, lock(layout), command)


def manage(data: str, arguments: Sequence[str]) -> int:
    """Run a management command on the installation of this folder, whether it runs or not. Raises StartError.

    INVARIANT: it never answers for another database than the one that `serve` serves: an operator who pauses everything pauses
    that. Held by tests/runtime/test_serve.py.
    """
    layout = prepare(ROOT / data)
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    try:
        held = lock(layout)
    except StartError:
        return _wait(command, _joined(layout))
    return _alone(layout, held, command)


def _alone(layout: Layout, held: IO[bytes], command: Sequence[str]) -> int:
    """The servers for the time of one command only."""
    stack = Stack(layout, environment(layout))
    try:
        stack.start()
        return _wait(command, stack.env)
    finally:
        stack.stop()
        held.close()


def _joined(layout: Layout) -> dict[str, str]:
    """The environment of the processes that run on this folder now. Raises StartError while they start or stop."""
    try:
        run = json.loads(layout.run_file.read_text())
    except (OSError, ValueError) as error:
        raise StartError(f"Remit is starting or stopping on {layout.data}. Try again in a moment.") from error
    env = environment(layout)
    env.setdefault("REMIT_PORT", str(urlsplit(run["url"]).port))
    for name, key in (("DATABASE_URL", "database_url"), ("REDIS_URL", "redis_url"), ("REMIT_DESK_URL", "desk_url")):
        env[name] = run[key]
    return env


def _wait(command: Sequence[str], env: Mapping[str, str]) -> int:
    with subprocess.Popen(list(command), env=env, cwd=ROOT, preexec_fn=die_with_parent()) as process:  # noqa: S603
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda n, _: process.send_signal(n))
        return process.wait()
