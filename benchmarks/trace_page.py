"""What Show work costs the server for a long trace: `python -m benchmarks.trace_page [--entries 500] [--rounds 15] [--json]`.

Seeds one trace in the database of DATABASE_URL (migrated already): the stored ledger of a release, with its update of an account
repeated, appended by the ledger's own function. Opens its page as a signed-in auditor and rolls everything back. Reported in
milliseconds of a processor, and as a ratio to what the same run needs at least: the bare reading and verifying of the same
entries, and the trace list, which goes through the same sign-in, frame and templates.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.actors import Actor, system_actor  # noqa: E402
from accounts.ids import new_id  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.permissions import Role  # noqa: E402
from accounts.services import add_member, create_user, create_workspace, register_agent  # noqa: E402
from benchmarks.told import tell  # noqa: E402
from traces.ledger import append, verify  # noqa: E402
from traces.models import Trace  # noqa: E402
from traces.services import open_trace, summarise  # noqa: E402

STORED = Path(__file__).parents[1] / "tests/fixtures/ledgers/0.1.0-2/completed.json"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def seed(entries: int) -> tuple[User, Trace]:
    """A reader and a finished trace of so many entries."""
    actor = system_actor("benchmark", "")
    slug = new_id("ben").lower().replace("_", "-")
    workspace = create_workspace(actor=actor, slug=slug, name="Benchmark", environment="sandbox")
    user = create_user(actor=actor, email=f"{slug}@bench.example", name="Bench")
    add_member(actor=actor, workspace=workspace, user=user, role=Role.AUDITOR)
    agent = register_agent(
        actor=actor, workspace=workspace, owner=user, slug="bench", name="Bench", policy="bench", role="bench"
    )
    trace = open_trace(
        actor=actor,
        workspace_id=workspace.pk,
        agent=agent,
        on_behalf_of=user,
        intent="Update every account.",
        sources=[],
    )
    repeat(trace, entries)
    summarise(trace_id=trace.pk, title="Updated many accounts", outcome=Trace.Outcome.COMPLETED)
    return user, trace


def repeat(trace: Trace, entries: int) -> None:
    """The stored update of an account, again and again as another step, until the trace is long enough."""
    stored = [json.loads(entry["canonical"]) for entry in json.loads(STORED.read_text())["bundle"]["entries"]]
    third = next(r["body"]["action"] for r in stored if r["type"] == "action.proposed" and r["body"]["step"] == 3)
    once = [record for record in stored if record["body"].get("action") == third]
    for number in range(entries - 1):
        record, step = once[number % len(once)], number // len(once) + 1
        body = {**record["body"], "action": f"act_{step}"} | ({"step": step} if "step" in record["body"] else {})
        who = record["actor"]
        append(
            actor=Actor(who["kind"], who["id"], who["name"], trace.workspace_id), trace_id=trace.pk,
            type=record["type"], body=body,
        )  # fmt: skip


def cost(work: Callable[[], Any], rounds: int) -> float:
    """Milliseconds of this process in the median round, after two that are not counted."""
    taken = []
    for _ in range(rounds + 2):
        started = time.process_time()
        work()
        taken.append((time.process_time() - started) * 1e3)
    return statistics.median(taken[2:])


def drawn(client: Client, path: str) -> int:
    """Draw one page and give its length. Raises SystemExit where it is not drawn."""
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}.")
    return len(answer.content)


def measure(entries: int, rounds: int, profile: bool) -> dict[str, Any]:
    """The page and its baselines; the database is left as it was."""
    with transaction.atomic():
        user, trace = seed(entries)
        client = Client()
        client.force_login(user, backend=BACKEND)
        path = f"/traces/{trace.pk}/"
        reading = cost(lambda: verify(trace), rounds)
        listing = cost(lambda: drawn(client, "/traces/"), rounds)
        page, whole = cost(lambda: drawn(client, path), rounds), cost(lambda: drawn(client, f"{path}?show=all"), 3)
        size = drawn(client, path)
        if profile:
            with cProfile.Profile() as seen:
                drawn(client, path)
            pstats.Stats(seen).sort_stats("tottime").print_stats(45)
        transaction.set_rollback(True)
    return {
        "entries": entries, "verify_ms": round(reading, 1), "list_ms": round(listing, 1), "page_ms": round(page, 1),
        "whole_ms": round(whole, 1), "page_kib": size // 1024,
        "page_by_verify": round(page / reading, 1), "page_by_list": round(page / listing, 1),
    }  # fmt: skip


def main() -> int:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--profile", action="store_true", help="where the time of the page goes")
    options = parser.parse_args()
    settings.ALLOWED_HOSTS = ["testserver"]
    found = measure(options.entries, options.rounds, options.profile)
    tell(found, as_json=options.as_json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
