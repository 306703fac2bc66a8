"""What lists cost the server: `python -m benchmarks.lists [--traces 1000000] [--rounds 5] [--most-ms 100] [--json]`.

Makes a database of its own on the server of DATABASE_URL, fills it with so many traces and as many actions
(benchmarks.list_rows), and opens pages of 50 of both lists as a signed-in auditor: by each filter with a value that is common, rare,
long gone and absent, deep pages, and search. Milliseconds are of a processor, of this process and of its own server process of
PostgreSQL together (which must run on this machine), so that what else the machine does counts nothing; the median of the rounds,
the worst of them beside it, and a ratio to the same page of a workspace of 200 traces in the same database. Ends with 1 where the
median of a page takes more than `--most-ms`.
The database is dropped at the end.
"""

import argparse
import json
import os
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.clock import database_now  # noqa: E402
from accounts.models import User, Workspace  # noqa: E402
from benchmarks.list_rows import seed  # noqa: E402
from benchmarks.own_database import inside, own_database  # noqa: E402
from traces.canonical import instant  # noqa: E402
from traces.models import Trace  # noqa: E402

SMALL = 200
BACKEND = "django.contrib.auth.backends.ModelBackend"
ABSENT = "acct_nothing"


def paths(workspace: Workspace, rows: int) -> dict[str, str]:
    """What is asked: name -> path."""
    now, key = database_now(), Trace.objects.filter(workspace=workspace).values_list("pk", flat=True)[0]
    deep = f"{instant(now - timedelta(days=200))}~trc_{'0' * 26}"
    long_ago = {"from": (now - timedelta(days=390)).isoformat(), "to": (now - timedelta(days=389)).isoformat()}
    asked: dict[str, dict[str, str]] = {
        "all": {}, "deep": {"after": deep}, "deep, backwards": {"before": deep},
        "outcome, common": {"outcome": "completed"}, "outcome, some": {"outcome": "rolled_back"},
        "outcome, old": {"outcome": "stopped"}, "outcome, one": {"outcome": "unknown"}, "outcome, new": {"outcome": "waiting"},
        "agent, common": {"agent": "agent-0"}, "agent, old": {"agent": "agent-7"}, "agent, absent": {"agent": "nobody"},
        "tool, common": {"tool": "desk.thing1.update"}, "tool, old": {"tool": "desk.thing19.update"}, "tool, absent": {"tool": "none"},
        "person, common": {"person": f"person.000@{workspace.slug}.example"},
        "person, old": {"person": f"person.199@{workspace.slug}.example"}, "person, twenty": {"person": "person"},
        "record": {"record": "acct_7"}, "record, absent": {"record": ABSENT},
        "policy": {"policy": "bench"}, "version, new": {"policy": "bench@20"}, "version, old": {"policy": "bench@1"},
        "version, absent": {"policy": "bench@99"},
        "rule, common": {"rule": "bench.limit"}, "rule, rare": {"rule": "bench.rare"}, "rule, old": {"rule": "bench.old"},
        "time": long_ago, "time, old rule": {**long_ago, "rule": "bench.old"}, "time, new rule": {**long_ago, "rule": "bench.limit"},
        "words, common": {"q": "updated account"}, "words, rare": {"q": "zebra"}, "words, old": {"q": "migrated"},
        "words, one": {"q": "account 77"}, "words, absent": {"q": "nothing"},
        "tool and outcome": {"tool": "desk.thing1.update", "outcome": "denied"},
        "tool and rule": {"tool": "desk.thing3.update", "rule": "bench.limit"},
        "agent and old tool": {"agent": "agent-0", "tool": "desk.thing19.update"},
    }  # fmt: skip
    lists = {
        f"{what}: {name}": f"/{what}/?{urlencode(query)}"
        for what in ("traces", "actions")
        for name, query in asked.items()
    }
    words = {"record": "acct_7", "person": "person 000", "people": "person", "title": "zebra", "title, old": "migrated",
             "title, common": "updated", "nothing": ABSENT, "id": key}  # fmt: skip
    return lists | {f"search: {name}": f"/search/?{urlencode({'q': text})}" for name, text in words.items()}


def server() -> Path:
    """Where the kernel counts for how long the server process of this connection ran; it works alone."""
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        return Path(f"/proc/{cursor.fetchone()[0]}/schedstat")


def ran(process: Path) -> float:
    """Milliseconds of a processor that a process had so far."""
    return int(process.read_text().split()[0]) / 1e6


def taken(client: Client, path: str, rounds: int) -> list[float]:
    """Milliseconds of each request, after one that is not counted. Raises SystemExit where the page is not drawn."""
    found, beside = [], server()
    for _ in range(rounds + 1):
        started = time.process_time() * 1e3 + ran(beside)
        status = client.get(path).status_code
        found.append(time.process_time() * 1e3 + ran(beside) - started)
        if status not in {200, 302}:
            raise SystemExit(f"{path} answered {status}.")
    return found[1:]


def signed_in(user: User) -> Client:
    """The browser of an auditor."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def measure(rows: int, rounds: int) -> dict[str, tuple[float, float, float]]:
    """Page -> median and worst milliseconds, and the ratio of the median to that of the small workspace."""
    small, large = seed("small", SMALL, 0), seed("large", rows, 10 * SMALL)
    pages = {name: (one, *two) for (name, one), two in zip(
        paths(small[1], SMALL).items(), ((path,) for path in paths(large[1], rows).values()), strict=True)}  # fmt: skip
    here, there = signed_in(small[0]), signed_in(large[0])
    found = {}
    for name, (small_path, large_path) in pages.items():
        least, whole = statistics.median(taken(here, small_path, rounds)), taken(there, large_path, rounds)
        median = statistics.median(whole)
        found[name] = (round(median, 1), round(max(whole), 1), round(median / least, 2))
    return found


def told(rows: int, found: dict[str, tuple[float, float, float]], as_json: bool) -> str:
    """The figures, the slowest last."""
    if as_json:
        return json.dumps({"traces": rows, "pages": found})
    lines = [
        f"{name:<36} {ms:8.1f} ms  worst {worst:8.1f} ms  {ratio:6.2f} ×"
        for name, (ms, worst, ratio) in sorted(found.items(), key=lambda item: item[1])
    ]
    return "\n".join([f"{rows:,} traces and as many actions; × is to the same page of {SMALL} traces", *lines])


def main() -> int:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--traces", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most-ms", type=float, default=100.0)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--inside", action="store_true", help="in the database of DATABASE_URL, which is left filled")
    options = parser.parse_args()
    if not options.inside:
        with own_database(os.environ["DATABASE_URL"]) as url:
            inside(url, ["-m", "benchmarks.lists", "--inside", *sys.argv[1:]])
        return 0
    settings.ALLOWED_HOSTS = ["testserver"]
    found = measure(options.traces, options.rounds)
    sys.stdout.write(told(options.traces, found, options.as_json) + "\n")
    slow = {name: ms for name, (ms, _, _) in found.items() if ms > options.most_ms}
    if slow:
        sys.stderr.write(f"More than {options.most_ms:.0f} ms: {slow}\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
