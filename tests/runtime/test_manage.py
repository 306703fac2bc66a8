"""An operator's command reaches the installation that runs, and the same one when nothing runs (P9)."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.runtime.layout import lock, prepare
from tests.runtime.test_serve import ROOT, Supervisor


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


@pytest.mark.timeout(1200)
def test_p9_kill_reaches_what_runs_with_its_web_dead_and_holds_when_nothing_runs(tmp_path):
    run = Supervisor(tmp_path)
    facts = run.ready()
    os.kill(facts["pids"]["web"], signal.SIGKILL)
    done = command(tmp_path, "remit_kill", "everything", "--reason", "Credentials may have leaked")
    assert done.returncode == 0 and "Everything is paused" in done.stdout, done.stderr
    assert paused(tmp_path) == ["everything"]
    run.stop()
    assert paused(tmp_path) == ["everything"]
    refused = command(tmp_path, "remit_kill", "agent:northwind/nobody", "--reason", "Wrong amounts since noon")
    assert refused.returncode != 0 and "Traceback" not in refused.stderr


def test_a_command_while_it_starts_says_so_and_touches_no_other_database(tmp_path):
    with lock(prepare(tmp_path)):
        done = command(tmp_path, "remit_kill", "everything", "--reason", "Credentials may have leaked")
    assert done.returncode == 2 and "is starting or stopping" in done.stderr
