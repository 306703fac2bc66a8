"""A whole Remit under its supervisor, and real Chromium."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.desk.running import free_port
from tests.template import copy_as

ROOT = Path(__file__).parents[2]
# The headless shell is the same engine without windows, at half the time.
SHELL, WHOLE = "/usr/bin/chromium-headless-shell", "/usr/bin/chromium"
CHROMIUM = os.environ.get("CHROMIUM") or (shutil.which(SHELL) or WHOLE)
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="package")
def remit(tmp_path_factory):
    """`make run`'s supervisor on a database of its own; gives the content of run.json and the database's address.

    Stopped with the last test beside it: its eight processes would take a tenth of a core from all tests that follow.
    """
    data = tmp_path_factory.mktemp("remit")
    name = f"remit_browser_{secrets.token_hex(4)}"
    env = {**os.environ, "REMIT_DATA_DIR": str(data), "REMIT_PORT": str(free_port())}
    env |= {"DATABASE_URL": copy_as(name), "REMIT_QUEUE": name}
    for unwanted in ("DJANGO_SETTINGS_MODULE", "DESK_CLIENT_ID", "DESK_CLIENT_SECRET", "DESK_DATA", "REMIT_SECRET_KEY"):
        env.pop(unwanted, None)
    log = (data / "supervisor.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "console.runtime", "serve"], env=env, cwd=ROOT, stdout=log, stderr=log
    )
    try:
        yield _wait(data, process) | {"database": env["DATABASE_URL"]}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)  # A busy machine stops nine processes slowly.
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _wait(data: Path, process: subprocess.Popen) -> dict:
    for _ in range(900):
        if (data / "run.json").exists():
            return {**json.loads((data / "run.json").read_text()), "data": str(data)}
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError((data / "supervisor.log").read_text()[-2000:])


@pytest.fixture(scope="package")
def chromium():
    """Chromium, ended with the last test beside it: Playwright's loop would bar Django from the database in what follows."""
    if not shutil.which(CHROMIUM):
        message = (
            f"Chromium is not at {CHROMIUM}. Install it (Debian: apt install chromium-headless-shell), or set CHROMIUM."
        )
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


# A page of a busy machine takes its time; a wait ends as soon as it comes.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


class Person:
    """Somebody at a browser. Collects what the console and the security policy complain about."""

    def __init__(self, browser: Browser, remit: dict, first: str, **context) -> None:
        self.complaints: list[str] = []
        self.base = remit["url"]
        self.context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | context))
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if not first:
            return  # Somebody who is not signed in.
        domain = "lakeside" if first in {"omar", "lena"} else "northwind"
        self.page.goto(f"{self.base}/sign-in/")
        self.page.fill("#id_email", f"{first}@{domain}.example")
        self.page.fill("#id_password", remit["password"])
        self.page.click("button:has-text('Sign in')")
        self.page.wait_for_url(f"{self.base}/")

    def open(self, path: str):
        self.page.goto(f"{self.base}{path}")
        return self.page


def managed(remit: dict, *words: str, **more: str) -> str:
    """A command as an operator at the shell of this installation. Gives what it said."""
    env = {**os.environ, "DATABASE_URL": remit["database"], "REMIT_DATA_DIR": remit["data"], **more}
    for unwanted in ("REMIT_SECRET_KEY", "DJANGO_SETTINGS_MODULE"):
        env.pop(unwanted, None)
    command = [sys.executable, "-m", "console.runtime", "manage", "--", *words]
    done = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def person(chromium, remit):
    opened: list[Person] = []

    def sign_in(first: str, **context) -> Person:
        opened.append(Person(chromium, remit, first, **context))
        return opened[-1]

    yield sign_in
    for each in opened:
        each.context.close()


@pytest.fixture
def demo(remit) -> subprocess.Popen:
    """The sample agent as a process of its own, waiting for people."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "REMIT_URL": remit["url"]}
    env["REMIT_AGENT_TOKEN"] = remit["agent_token"]
    desk = {**env, "DESK_CLIENT_ID": "-", "DESK_CLIENT_SECRET": "-", "DESK_DATA": f"{remit['data']}/desk"}
    subprocess.check_call([sys.executable, "-m", "sample.desk", "--reset"], env=desk, cwd=ROOT)
    process = subprocess.Popen(
        [sys.executable, "-m", "sample.agent", "--wait", "90"], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    yield process
    if process.poll() is None:
        process.terminate()
    process.wait(30)
