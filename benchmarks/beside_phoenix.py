"""A long trace, beside another product: `python -m benchmarks.beside_phoenix --phoenix ENVIRONMENT [--entries 500] [--rounds 15] [--json]`.

ENVIRONMENT is a virtual environment that has `arize-phoenix`. Show work of a trace of so many entries, a whole request over HTTP
with sign-in, verification and the finished page, against what Arize Phoenix's server takes to answer the data question of its own
page for a trace of as many spans; its page, and drawing it, come on top and are not counted. Turn by turn, each by its own web
server in one process with its own database, by the clock of the client that asks.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.db import transaction  # noqa: E402 - Django is set up first
from django.test import Client  # noqa: E402

from benchmarks.own_database import inside, own_database  # noqa: E402
from benchmarks.phoenix import asking, fill, phoenix, question  # noqa: E402
from benchmarks.serving import free_port, serving  # noqa: E402
from benchmarks.told import tell  # noqa: E402
from benchmarks.trace_page import BACKEND, seed  # noqa: E402

WEB = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--log-level", "warning", "--no-access-log"]


def took(ask: Callable[[], httpx.Response]) -> tuple[float, int]:
    """Milliseconds until the whole answer is there, and its length. Raises SystemExit where it is no good answer."""
    began = time.perf_counter()
    answer = ask()
    spent = (time.perf_counter() - began) * 1e3
    if answer.status_code != 200:
        raise SystemExit(f"{answer.url} answered {answer.status_code}: {answer.text[:300]}")
    return spent, len(answer.content)


def seeded(entries: int) -> tuple[str, dict[str, str]]:
    """The address of a long trace's page, and the cookies of somebody who may read it."""
    with transaction.atomic():
        user, trace = seed(entries)
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    return f"/traces/{trace.pk}/", {name: morsel.value for name, morsel in browser.cookies.items()}


def measure(environment: Path, entries: int, rounds: int) -> dict[str, Any]:
    """Both in turn, so that what else the machine does strikes both alike."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    path, cookies = seeded(entries)
    with (
        tempfile.TemporaryDirectory() as folder,
        phoenix(environment, Path(folder)) as beside,
        serving([*WEB, "--port", str(port)], f"{own}/healthz", log=Path(folder) / "remit.log"),
        httpx.Client(base_url=own, cookies=cookies, trust_env=False, timeout=60) as browser,
    ):
        body, client = asking(beside, question(environment), fill(beside, entries), entries)
        for _ in range(3):
            took(lambda: browser.get(path)), took(lambda: client.post("/graphql", json=body))
        pairs = [
            (took(lambda: browser.get(path)), took(lambda: client.post("/graphql", json=body))) for _ in range(rounds)
        ]
        client.close()
    return told(entries, pairs)


def told(entries: int, pairs: list[tuple[tuple[float, int], tuple[float, int]]]) -> dict[str, Any]:
    """Medians by the clock, and one as a share of the other."""
    (ours, page), (theirs, data) = (
        [statistics.median(column) for column in zip(*side, strict=True)] for side in zip(*pairs, strict=True)
    )
    return {
        "entries": entries, "show_work_ms": round(ours, 1), "phoenix_ms": round(theirs, 1), "page_kib": int(page) // 1024,
        "phoenix_kib": int(data) // 1024, "of_phoenix": round(ours / theirs, 3),
    }  # fmt: skip


def main() -> int:
    """Exits with 1 where Show work takes more than a tenth of Phoenix's time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--phoenix", type=Path, required=True, help="a virtual environment that has arize-phoenix")
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument(
        "--inside", action="store_true", help="in the database of DATABASE_URL, where the trace is left"
    )
    given = parser.parse_args()
    if not given.inside:
        with own_database(os.environ["DATABASE_URL"]) as url:
            inside(url, ["-m", "benchmarks.beside_phoenix", "--inside", *sys.argv[1:]])
        return 0
    found = measure(given.phoenix, given.entries, given.rounds)
    tell(found, as_json=given.as_json)
    return 0 if found["of_phoenix"] <= 0.1 else 1


if __name__ == "__main__":
    sys.exit(main())
