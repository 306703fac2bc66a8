"""Two commands on a bare machine: start, restart, obey an operator, refuse clearly, leave nothing running."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.desk.running import free_port
from tests.runtime.test_manage import command, paused

ROOT = Path(__file__).parents[2]
# A first start on a busy machine takes minutes.
STARTS_S = 600
pytestmark = pytest.mark.timeout(2 * STARTS_S)


class Supervisor:
    """`python -m console.runtime serve` as a process, on embedded servers of its own."""

    def __init__(self, data: Path, **extra: str) -> None:
        self.data = data
        keep = ("PATH", "HOME", "LANG", "TMPDIR")
        env = {name: os.environ[name] for name in keep if name in os.environ}
        env |= {"REMIT_DATA_DIR": str(data), "REMIT_PORT": str(free_port()), **extra}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console.runtime", "serve"], env=env, cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ready(self) -> dict:
        deadline = time.monotonic() + STARTS_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if (self.data / "run.json").exists():
                return json.loads((self.data / "run.json").read_text())
            time.sleep(0.2)
        self.process.kill()  # Else what it said has no end.
        raise AssertionError(self.process.communicate()[0])

    def refused(self) -> str:
        """What it said when it would not start: one sentence, exit code 2, no traceback."""
        said, _ = self.process.communicate(timeout=90)
        assert self.process.returncode == 2, said
        assert "Traceback" not in said
        return said

    def stop(self, number: int = signal.SIGINT) -> str:
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=40)
        return said


def alive(pids: dict) -> list[str]:
    """Names of processes of a run that still run."""
    return [name for name, pid in pids.items() if _runs(pid)]


def _runs(pid: int) -> bool:
    """It may end between the asking for it and the asking how it is."""
    try:
        return psutil.Process(pid).status() != "zombie"
    except psutil.NoSuchProcess:
        return False


def gone(pids: dict) -> bool:
    for _ in range(100):
        if not alive(pids):
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """One data folder, deep enough that a socket inside it would be too long to bind."""
    return tmp_path_factory.mktemp("deep") / ("folder-" * 9) / ("folder-" * 9)


def test_first_start_prints_the_way_in_and_ctrl_c_leaves_nothing(data):
    run = Supervisor(data)
    facts = run.ready()
    with socket.create_connection(("127.0.0.1", int(facts["url"].rsplit(":", 1)[1])), timeout=5):
        assert set(facts["pids"]) == {
            "postgres",
            "valkey",
            "desk",
            "sweeper",
            "clock",
            "notices",
            "worker",
            "web",
            "supervisor",
        }
    with urlopen(f"{facts['url']}/static/css/tokens.css", timeout=10) as sheet:
        assert sheet.status == 200
    said = run.stop()
    assert "StreamingHttpResponse" not in said, "A reader of its first lines would look for a fault that is none."
    assert facts["url"] in said and facts["agent_token"] in said and "priya@northwind.example" in said
    assert run.process.returncode == 0 and gone(facts["pids"])
    assert (data / "sample.json").stat().st_mode & 0o077 == 0


def test_second_start_keeps_the_data_and_supervisor_death_leaves_nothing(data):
    token = json.loads((data / "sample.json").read_text())["agent_token"]
    run = Supervisor(data)
    facts = run.ready()
    assert facts["agent_token"] == token
    other = Supervisor(data)
    assert "Another Remit already runs" in other.refused()
    run.process.kill()
    run.process.wait(30)
    assert gone(facts["pids"]), alive(facts["pids"])


@pytest.fixture(scope="module")
def after_a_cut(data) -> Iterator[Supervisor]:
    """The same installation, started where the power went. A start costs a minute, so that two tests share this one."""
    (data / "run.json").unlink(missing_ok=True)
    (data / "postgres" / "postmaster.pid").write_text("999999\n/nowhere\n0\n5432\n\n\n\n\n")
    run = Supervisor(data)
    yield run
    if run.process.poll() is None:
        run.stop()


def sweepers(run: Supervisor) -> set[int]:
    found = set()
    for child in psutil.Process(run.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # It may end while it is looked at.
            found |= {child.pid} if "remit_sweep" in child.cmdline() else set()
    return found


def test_start_after_a_power_cut_and_a_dead_worker_is_started_again(after_a_cut):
    killed = after_a_cut.ready()["pids"]["sweeper"]
    assert sweepers(after_a_cut) == {killed}
    os.kill(killed, signal.SIGKILL)
    until = time.monotonic() + 30
    while not sweepers(after_a_cut) - {killed}:
        assert time.monotonic() < until, "It was not started again."
        time.sleep(0.1)


def test_p9_kill_reaches_what_runs_with_its_web_dead_and_holds_when_nothing_runs(after_a_cut, data):
    facts = after_a_cut.ready()
    os.kill(facts["pids"]["web"], signal.SIGKILL)
    done = command(data, "remit_kill", "everything", "--reason", "Credentials may have leaked")
    assert done.returncode == 0 and "Everything is paused" in done.stdout, done.stderr
    assert paused(data) == ["everything"]
    said = after_a_cut.stop(signal.SIGTERM)
    assert all(f"{name} | ended with -9; starting it again" in said for name in ("sweeper", "web"))
    assert gone(facts["pids"]) and paused(data) == ["everything"]
    refused = command(data, "remit_kill", "agent:northwind/nobody", "--reason", "Wrong amounts since noon")
    assert refused.returncode != 0 and "Traceback" not in refused.stderr


def test_busy_port_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = Supervisor(tmp_path, REMIT_PORT=str(port)).refused()
    assert f"Port {port} is in use" in said and "REMIT_PORT" in said


def test_unwritable_data_folder_is_one_sentence(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert "cannot be written" in Supervisor(blocked / "data").refused()


def test_half_made_database_is_one_sentence(tmp_path):
    folder = tmp_path / "postgres"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("18\n")
    (folder / "postmaster.opts").write_text("x\n")
    assert "did not finish making" in Supervisor(tmp_path).refused()


def test_bad_port_is_one_sentence(tmp_path):
    assert "Use a number from 1 to 65535" in Supervisor(tmp_path, REMIT_PORT="eighty").refused()
