"""What lists cost the server: `python -m benchmarks.lists [--traces 1000000] [--rounds 5] [--most-ms 100] [--kept NAME] [--only WORD] [--json]`.

Makes a database of its own on the server of DATABASE_URL, fills it with so many traces and as many actions
(benchmarks.list_rows), and opens pages of 50 of both lists as a signed-in auditor: by each filter with a value that is common, rare,
long gone and absent, deep pages, and search. Milliseconds are of a processor, of this process and of its own server process of
PostgreSQL together (which must run on this machine), so that what else the machine does counts nothing; the median of the rounds,
the worst of them beside it, and a ratio to the same page of a workspace of 200 traces in the same database. Ends with 1 where the
median of a page takes more than `--most-ms`.
The database is dropped at the end, unless `--kept` names one: that is filled once, used again, and yours to drop. `--only` asks pages of
that word in their name alone.
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
from benchmarks.list_rows import seeded  # noqa: E402
from benchmarks.own_database import inside, own_database  # noqa: E402
from traces.canonical import instant  # noqa: E402
from traces.models import Trace  # noqa: E402

SMALL = 200
BACKEND = "django.contrib.auth.backends.ModelBackend"
ABSENT = "acct_nothing"
AUDITOR = "auditor"


def paths(workspace: Workspace) -> dict[tuple[str, str], str]:
    """What is asked: (page, who asks) -> path."""
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
        "words, common, deep": {"q": "updated", "after": deep}, "words, old, deep": {"q": "migrated", "after": deep},
        "words and outcome": {"q": "updated", "outcome": "denied"}, "words and tool": {"q": "migrated", "tool": "desk.thing1.update"},
        "tool and outcome": {"tool": "desk.thing1.update", "outcome": "denied"},
        "tool and rule": {"tool": "desk.thing3.update", "rule": "bench.limit"},
        "agent and old tool": {"agent": "agent-0", "tool": "desk.thing19.update"},
        "tool and outcome, one": {"tool": "desk.thing1.update", "outcome": "unknown"}, "agent and outcome": {"agent": "agent-3", "outcome": "failed"},
        "agent, tool, rule, outcome": {"agent": "agent-0", "tool": "desk.thing1.update", "rule": "bench.limit", "outcome": "denied"},
    }  # fmt: skip
    lists = {
        (f"{what}: {name}", AUDITOR): f"/{what}/?{urlencode(query)}"
        for what in ("traces", "actions")
        for name, query in asked.items()
    }
    words = {"record": "acct_7", "person": "person 000", "people": "person", "title": "zebra", "title, old": "migrated",
             "title, common": "updated", "nothing": ABSENT, "id": key}  # fmt: skip
    searched = {(f"search: {name}", AUDITOR): f"/search/?{urlencode({'q': text})}" for name, text in words.items()}
    return lists | searched | {
        (f"{what}: {name}, by a member of {whose}", who): f"/{what}/?{urlencode(asked[name])}"
        for what in ("traces", "actions")
        for whose, who in (("many", "person.000"), ("few", "person.150"))
        for name in ("all", "tool, old", "record, absent", "words, common")
    }  # fmt: skip


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


def signed_in(workspace: Workspace, who: str) -> Client:
    """The browser of one of its people."""
    client = Client()
    client.force_login(User.objects.get(email=f"{who}@{workspace.slug}.example"), backend=BACKEND)
    return client


def measure(rows: int, rounds: int, only: str) -> dict[str, tuple[float, float, float]]:
    """Page -> median and worst milliseconds, and the ratio of the median to that of the small workspace."""
    small, large = seeded("small", SMALL, 0), seeded("large", rows, 10 * SMALL)
    found = {}
    for ((name, who), here), there in zip(paths(small).items(), paths(large).values(), strict=True):
        if only in name:
            least = statistics.median(taken(signed_in(small, who), here, rounds))
            whole = taken(signed_in(large, who), there, rounds)
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
    parser.add_argument("--kept", default="", help="the name of a database that is filled once and kept")
    parser.add_argument("--only", default="", help="a word in the names of the pages to ask")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--inside", action="store_true", help="in the database of DATABASE_URL, which is left filled")
    options = parser.parse_args()
    if not options.inside:
        with own_database(os.environ["DATABASE_URL"], options.kept) as url:
            inside(url, ["-m", "benchmarks.lists", "--inside", *sys.argv[1:]])
        return 0
    settings.ALLOWED_HOSTS = ["testserver"]
    found = measure(options.traces, options.rounds, options.only)
    sys.stdout.write(told(options.traces, found, options.as_json) + "\n")
    slow = {name: ms for name, (ms, _, _) in found.items() if ms > options.most_ms}
    if slow:
        sys.stderr.write(f"More than {options.most_ms:.0f} ms: {slow}\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
