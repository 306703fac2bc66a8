"""`python -m console.runtime serve`: the whole of Remit under one supervisor, until Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from console.runtime.child import Child, say
from console.runtime.layout import StartError, lock, prepare, tell_run
from console.runtime.stack import ROOT, Stack, environment, of_the_rest, of_web
from console.runtime.valkey import free_port, wait_port

HEALTH_WAIT_S = 60.0
WORKER = [
    "-q",
    "-A",
    "console.celery",
    "worker",
    "--concurrency",
    "2",
    "--without-gossip",
    "--without-mingle",
    "-l",
    "warning",
]


def serve(data: str) -> int:
    """Start, print how to get in, tend the children, stop them all. Raises StartError."""
    port = _port()
    layout = prepare(ROOT / data)
    held = lock(layout)
    _refuse_busy(port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    stack = Stack(layout, of_the_rest(environment(layout)))
    try:
        _start(stack, port, stop)
        _tend(stack, stop)
    finally:
        say("Stopping.")
        stack.stop()
        layout.run_file.unlink(missing_ok=True)
        held.close()
    say("Everything stopped.")
    return 0


def _port() -> int:
    text = os.environ.get("REMIT_PORT", "8000")
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise StartError(f"REMIT_PORT is {text!r}. Use a number from 1 to 65535.")
    return int(text)


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartError(
                f"Port {port} is in use ({error.strerror}). Stop what uses it, or set REMIT_PORT to another port."
            ) from error


def _start(stack: Stack, port: int, stop: threading.Event) -> None:
    say("Starting PostgreSQL and Valkey." if not os.environ.get("DATABASE_URL") else "Using the servers you named.")
    stack.start()
    env = stack.env
    desk_port = free_port()
    env |= {"DESK_PORT": str(desk_port), "REMIT_DESK_URL": f"http://127.0.0.1:{desk_port}", "REMIT_PORT": str(port)}
    desk = _child(stack, "desk", [sys.executable, "-m", "sample.desk"])
    desk.start()
    sample = json.loads(_once(stack, ["remit_setup", "--json"]))
    wait_port(desk_port, desk)
    web = ["uvicorn", "console.asgi:application", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    for name, command in (("sweeper", "remit_sweep"), ("clock", "remit_checkpoint"), ("notices", "remit_notify")):
        # Django's checks were made by `remit_setup`, of these very settings.
        _child(stack, name, [sys.executable, "manage.py", command, "--skip-checks"]).start()
    _child(stack, "worker", [sys.executable, "-m", "celery", *WORKER]).start()
    front = _child(stack, "web", [sys.executable, "-m", *web], of_web(stack.layout, env))
    front.start()
    url = f"http://127.0.0.1:{port}"
    _wait_healthy(url, front, stop)
    _announce(stack, url, sample)


def _child(stack: Stack, name: str, command: list[str], env: dict[str, str] | None = None) -> Child:
    child = Child(name, command, env or stack.env, stack.layout.logs / f"{name}.log")
    stack.children.append(child)
    return child


def _once(stack: Stack, arguments: list[str]) -> str:
    """A management command that must succeed before anything serves."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(command, env=stack.env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise StartError(f"{arguments[0]} failed: {words[-1] if words else 'no message'}")
    return done.stdout.strip().splitlines()[-1]


def _wait_healthy(url: str, web: Child, stop: threading.Event) -> None:
    deadline = time.monotonic() + HEALTH_WAIT_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and not stop.is_set():
        if web.dead:
            raise StartError(f"The web server did not start (log: {web.log}).")
        try:
            with opener.open(f"{url}/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    if not stop.is_set():
        raise StartError(f"The web server did not answer within {HEALTH_WAIT_S:.0f} s (log: {web.log}).")


def _announce(stack: Stack, url: str, sample: Mapping[str, Any]) -> None:
    pids = {child.name: child.pid for child in stack.children} | {"supervisor": os.getpid()}
    run = {
        "url": url,
        "pids": pids,
        "database_url": stack.env["DATABASE_URL"],
        "redis_url": stack.env["REDIS_URL"],
        "desk_url": stack.env["REMIT_DESK_URL"],
        **sample,
    }
    tell_run(stack.layout, run)
    people = [
        f"    {s['email']:<26} {s['name']} ({', '.join(s['roles'])}; {s['workspace']})" for s in sample["sign_ins"]
    ]
    say("\n".join([
        "", f"  Remit is at {url}", "", f"  Sample sign-ins, password {sample['password']}", *people, "",
        f"  Agent token    {sample['agent_token']}",
        f"  Processes      {', '.join(f'{name} {pid}' for name, pid in pids.items())}",
        f"  Logs           {stack.layout.logs}", "",
        "  `make demo` in another terminal runs the sample agent. Ctrl-C stops everything.", "",
    ]))  # fmt: skip


def _tend(stack: Stack, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        for child in stack.children:
            child.tend()
