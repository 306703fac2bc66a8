"""A whole Remit, the loopback model, people who decide over the console's own pages, and stacks as processes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from remit_client import Remit
from tests.adapters.model import start_model
from tests.browser.conftest import remit  # noqa: F401 - the fixture: `make run`'s supervisor on a database of its own

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("REMIT_ADAPTERS_PYTHON", sys.executable)
MODULES = Path(__file__).parent / "programs/node_modules"


def installed(place: Path) -> Path:
    """What `make adapters` installs; a skip that says so where it is not, and in CI a failure."""
    if place.exists():
        return place
    message = f"{place.name} is not installed. `make adapters` installs it."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def model_url():
    server, url = start_model()
    yield url
    server.shutdown()


@pytest.fixture(scope="package")
def agent(remit):  # noqa: F811
    with Remit(remit["url"], token=remit["agent_token"]) as made:
        yield made


class Approver:
    """Somebody signed in to the console, without a browser."""

    def __init__(self, remit: dict, first: str) -> None:  # noqa: F811
        self._http = httpx.Client(base_url=remit["url"], follow_redirects=True, timeout=60)
        page = self._http.get("/sign-in/").text
        self._post("/sign-in/", page, email=f"{first}@northwind.example", password=remit["password"])

    def decide(self, url: str, choice: str, reason: str = "") -> None:
        """Look at a request as it is shown and decide exactly that."""
        path = httpx.URL(url).path
        page = self._http.get(path).text
        digest = re.search(r'name="digest" value="([^"]+)"', page)
        assert digest, page[:2000]
        self._post(f"{path}decide/", page, choice=choice, reason=reason, digest=digest[1], opened="yes")

    def _post(self, path: str, page: str, **values: str) -> None:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page[:500]
        headers = {"Referer": str(self._http.base_url), "Origin": str(self._http.base_url).rstrip("/")}
        answer = self._http.post(path, data={**values, "csrfmiddlewaretoken": token[1]}, headers=headers)
        assert answer.status_code == 200, answer.text[:2000]


@pytest.fixture(scope="package")
def maya(remit):  # noqa: F811
    """She asks, so she sends or discards the agent's drafts."""
    return Approver(remit, "maya")


class Stack:
    """One agent stack in its own process and environment."""

    def __init__(self, name: str, env: dict[str, str]) -> None:
        self._name, self._env = name, env
        self._start()

    def _start(self) -> None:
        command = [PYTHON, "-m", "tests.adapters.driver", self._name]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, **order):
        """One order, one answer."""
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{self._name} ended with {self._process.wait()}."
        return json.loads(line)

    def restart(self) -> None:
        """The process is gone, and another begins with nothing but what was kept."""
        self.end()
        self._start()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def stack(remit, model_url):  # noqa: F811
    running: list[Stack] = []
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/root"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}",
    }
    env |= {"REMIT_URL": remit["url"], "REMIT_AGENT_TOKEN": remit["agent_token"], "MODEL_URL": model_url}

    def begin(name: str) -> Stack:
        running.append(Stack(name, env))
        return running[-1]

    yield begin
    for each in running:
        each.end()
