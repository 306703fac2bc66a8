"""Schemathesis against a running Remit, by an agent's own OpenAPI document: nothing it thinks of ends in a 5xx.

`make fuzz` makes 20,000 calls; CI a few hundred (REMIT_FUZZ). It lives in an environment of its own (REMIT_FUZZ_PYTHON).
"""

import json
import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Lock

import httpx
import pytest

from remit_client import Remit
from sample.agent.__main__ import STEPS
from tests.browser.conftest import remit
from tests.fuzz.document import of_agent, prepared

__all__ = ["remit"]
pytestmark = pytest.mark.fuzz
CALLS = int(os.environ.get("REMIT_FUZZ", "500"))
# Processes, each with one worker: Hypothesis reads its own source in each, which two threads of Python 3.11 cannot do at once.
AT_ONCE = 4 if CALLS > 1000 else 1
PYTHON = os.environ.get("REMIT_FUZZ_PYTHON", "python")
HOLDS = [
    "--checks",
    "not_a_server_error",
    "--suppress-health-check",
    "all",
    "--continue-on-failure",
]


def test_nothing_ends_in_a_server_error(remit, tmp_path):
    token, answered = remit["agent_token"], Counter()
    head = {"Authorization": f"Bearer {token}"}
    own = httpx.get(f"{remit['url']}/api/v1/openapi.json", headers=head).json()
    assert len([path for path in own["paths"] if "/tools/" in path]) > 3
    seeds, turn, traces, first = count(), Lock(), [], {}

    def keep_asking(_: int) -> None:
        """What covers the document first and once, for it is the same whatever the seed; then at random."""
        nonlocal first
        while answered.total() < CALLS or len(traces) < 2:
            with turn:
                seed = next(seeds)
                known = first | world(remit)  # What limits leave no more of is as it was in the first.
                first = first or known
                traces.extend(known["trace_id"])
            document = tmp_path / f"{seed}.json"
            document.write_text(json.dumps(prepared(own, known, waits=seed == 0)))
            found = one_run(document, remit["url"], token, seed, tmp_path / str(seed))
            with turn:
                answered.update(found)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(keep_asking, range(AT_ONCE)))
    print(f"{answered.total()} calls of {len(own['paths'])} addresses: {dict(sorted(answered.items()))}")  # noqa: T201 - published
    assert answered.total() >= CALLS and not [status for status in answered if not 200 <= status < 500]
    assert answered[200] and answered[422] and answered[404], "It neither reached a tool nor was refused."
    with Remit(remit["url"], token=token) as agent:
        assert [agent.trace(trace).data["trace_id"] for trace in traces] == traces


def world(remit) -> dict[str, list[str]]:
    """What one run asks about: a trace of its own, which does not grow with the number of runs."""
    with Remit(remit["url"], token=remit["agent_token"]) as agent:
        return of_agent(agent, STEPS, "maya@northwind.example")


def one_run(document: Path, url: str, token: str, seed: int, folder: Path) -> Counter:
    """How often each status was answered. A connection that was cut counts as 599."""
    examples = max(1, min(100, (CALLS // 60) or 1))
    command = [
        PYTHON, "-m", "schemathesis.cli", "run", str(document), "-u", url, "-H", f"Authorization: Bearer {token}", *HOLDS,
        "--phases", "fuzzing" if seed else "coverage", "-n", str(examples), "--seed", str(seed), "--workers", "1",
        "--no-color", "--request-timeout", "60", "--report", "ndjson", "--report-dir", str(folder),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, timeout=7200)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return answers(next(folder.glob("*.ndjson")))


def answers(report: Path) -> Counter:
    found: Counter = Counter()
    for line in report.read_text(encoding="utf-8").splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
        for call in (recorder.get("interactions") or {}).values():
            found[(call.get("response") or {"status_code": 599})["status_code"]] += 1
    return found
