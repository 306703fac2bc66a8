"""`python -m benchmarks.mcp [--service-ms 100 [300 ...]] [--calls 100] [--clients 16] [--workers 2] [--json]`.

One client calls one tool over MCP (2026-07-28, keep-alive), first at an upstream that answers after a stated time, then through
Remit in front of that same upstream: strict parse, authentication, policy, the ledger's entries, an intent and an outcome that are
each committed to disk before anything goes on. In the database of DATABASE_URL (migrated already), by the real web server in a
process of its own. Reported as ratios of the two. How much a call is slowed depends on what its upstream takes: of several service
times each is measured by itself, a row each; many clients at once are measured with the first.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import django
import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django is set up first

from benchmarks.mcp.spent import spending  # noqa: E402
from benchmarks.mcp.world import TOOL, make  # noqa: E402 - Django is set up first
from benchmarks.serving import free_port, serving  # noqa: E402
from benchmarks.told import tell  # noqa: E402
from traces.checkpoints.clock import tick  # noqa: E402

MODERN, META = "2026-07-28", "io.modelcontextprotocol/"


def body(number: int, intent: str) -> dict[str, Any]:
    """A call of its own: nothing of it can be answered from an earlier one. It belongs to the trace of its intent."""
    said = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}, "remit/call_id": f"call-{number}"}
    said |= {"remit/intent": intent} if intent else {}
    params = {"name": TOOL, "arguments": {"item": "tea"}, "_meta": said}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


class Door:
    """One address that takes the calls, and a client of it with connections that stay open."""

    def __init__(self, url: str, token: str = "") -> None:
        head = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": TOOL}
        head |= {"Authorization": f"Bearer {token}"} if token else {}
        self._url, self._http = url, httpx.Client(headers=head, timeout=60, trust_env=False)

    def call(self, number: int, intent: str = "") -> float:
        """Milliseconds of one call, whose answer must be the upstream's."""
        began = time.perf_counter()
        answer = self._http.post(self._url, json=body(number, intent)).json()
        took = (time.perf_counter() - began) * 1000
        told = answer["result"]["structuredContent"]
        orders = told["orders"] if "orders" in told else told["result"]["record"]["orders"]
        if len(orders) != 3:
            raise SystemExit(f"The call was not answered: {answer}")
        return took


def at_once(door: Door, *, clients: int, seconds: float, own: bool = False) -> float:
    """Calls a second of so many clients, each of which calls again as soon as it was answered.

    `own`: each works on an intent of its own, so in a trace of its own; else all calls are of one.
    """
    done, until = [0] * clients, time.monotonic() + seconds

    def work(mine: int) -> None:
        while time.monotonic() < until:
            door.call(10_000 * (mine + 1) + done[mine], f"Client {mine} looks for tea." if own else "")
            done[mine] += 1

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


def one_by_one(direct: Door, governed: Door, *, calls: int, web: int) -> dict[str, Any]:
    """Turn by turn, so that what else the machine does strikes both alike."""
    for number in range(10):
        direct.call(number), governed.call(number)
    with spending(web, str(settings.DATABASES["default"]["NAME"])) as spent:
        pairs = [(direct.call(number), governed.call(number)) for number in range(100, 100 + calls)]
    alone, through = (statistics.median(times) for times in zip(*pairs, strict=True))
    return {
        "direct_p50_ms": round(alone, 2), "governed_p50_ms": round(through, 2), "p50_ratio": round(through / alone, 2),
        "added_ms": round(through - alone, 2), "web_cpu_ms_a_call": round(spent.ms("web") / calls, 1),
        "database_cpu_ms_a_call": round(spent.ms("database") / calls, 1),
    }  # fmt: skip


def together(direct: Door, governed: Door, *, clients: int, seconds: float) -> dict[str, Any]:
    """So many clients at once, directly and through Remit: in traces of their own, and all in one."""
    bare = at_once(direct, clients=clients, seconds=seconds)
    apart, shared = (at_once(governed, clients=clients, seconds=seconds, own=own) for own in (True, False))
    return {
        f"direct_per_s_at_{clients}": round(bare, 1),
        f"governed_per_s_at_{clients}_own_traces": round(apart, 1), "rate_ratio_own_traces": round(apart / bare, 2),
        f"governed_per_s_at_{clients}_one_trace": round(shared, 1), "rate_ratio_one_trace": round(shared / bare, 2),
    }  # fmt: skip


def measured(service_ms: float, given: argparse.Namespace, *, crowd: bool) -> dict[str, Any]:
    """Start both, measure, stop both. `crowd`: many clients at once too."""
    ports = [free_port(), free_port()]
    upstream, remit = (f"http://127.0.0.1:{port}" for port in ports)
    _, token = make(upstream)
    tick()
    work = [sys.executable, "-m", "benchmarks.mcp.upstream", str(ports[0]), str(service_ms)]
    web = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--port", str(ports[1])]
    web += ["--workers", str(given.workers), "--log-level", "warning", "--no-access-log"]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(work, f"{upstream}/orders", log=Path(folder) / "upstream.log"),
        serving(web, f"{remit}/healthz", log=Path(folder) / "web.log") as process,
    ):
        direct, governed = Door(f"{upstream}/mcp"), Door(f"{remit}/mcp", token)
        found = one_by_one(direct, governed, calls=given.calls, web=process)
        if crowd and given.clients:
            found |= together(direct, governed, clients=given.clients, seconds=given.seconds)
    return {"service_ms": service_ms, **found}


def table(rows: list[dict[str, Any]]) -> str:
    """Rows of a table in Markdown, one for each service time."""
    names = (
        "service_ms", "direct_p50_ms", "governed_p50_ms", "p50_ratio", "added_ms", "web_cpu_ms_a_call", "database_cpu_ms_a_call",
    )  # fmt: skip
    lines = [[name.replace("_", " ") for name in names], ["---"] * len(names)]
    lines += [[f"{row[name]:g}" for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure each service time, the crowd with the first."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--service-ms", type=float, nargs="+", default=[100])
    asked.add_argument("--calls", type=int, default=100)
    asked.add_argument("--clients", type=int, default=16, help="at once; 0 leaves them out")
    asked.add_argument("--seconds", type=float, default=15)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--json", action="store_true", dest="as_json")
    given = asked.parse_args()
    first, *others = given.service_ms
    found = measured(first, given, crowd=True)
    rows = [found, *(measured(one, given, crowd=False) for one in others)]
    tell({**found, **({"rows": rows} if given.as_json and others else {})}, as_json=given.as_json)
    if others and not given.as_json:
        sys.stdout.write(f"\n{table(rows)}\n")


if __name__ == "__main__":
    main()
