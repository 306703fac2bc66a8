"""An operator's command never answers for another installation than its own; that it reaches what runs is in test_serve (P9)."""

import json
import os
import subprocess
import sys
from pathlib import Path

from console.runtime.layout import lock, prepare

ROOT = Path(__file__).parents[2]


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `make manage` runs, without anything set but where the data lies."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    run = [sys.executable, "-m", "console.runtime", "manage", "--", *arguments]
    env["REMIT_DATA_DIR"] = str(data)
    return subprocess.run(run, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)


def paused(data: Path) -> list[str]:
    done = command(data, "remit_kill", "--list", "--json")
    assert done.returncode == 0, done.stderr
    return [one["scope"] for one in json.loads(done.stdout.splitlines()[-1])]


def test_a_command_while_it_starts_says_so_and_touches_no_other_database(tmp_path):
    with lock(prepare(tmp_path)):
        done = command(tmp_path, "remit_kill", "everything", "--reason", "Credentials may have leaked")
    assert done.returncode == 2 and "is starting or stopping" in done.stderr
