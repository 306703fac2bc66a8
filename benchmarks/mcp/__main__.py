"""`python -m benchmarks.mcp [--service-ms 100] [--calls 100] [--clients 16] [--profile] [--json]`.

One client calls one tool over MCP (2026-07-28, keep-alive), first at an upstream that answers after a stated time, then through
Remit in front of that same upstream: strict parse, authentication, policy, the ledger's entries, an intent and an outcome that are
each committed to disk before anything goes on. In the database of DATABASE_URL (migrated already), by the real web server in a
process of its own. Reported as ratios of the two.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
django.setup()

from benchmarks.mcp.world import TOOL, make  # noqa: E402 - Django is set up first
from benchmarks.told import tell  # noqa: E402
from traces.checkpoints.clock import tick  # noqa: E402

MODERN, META = "2026-07-28", "io.modelcontextprotocol/"


def body(number: int) -> dict[str, Any]:
    """A call of its own: nothing of it can be answered from an earlier one."""
    said = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}, "remit/call_id": f"call-{number}"}
    params = {"name": TOOL, "arguments": {"item": "tea"}, "_meta": said}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


class Door:
    """One address that takes the calls, and a client of it with connections that stay open."""

    def __init__(self, url: str, token: str = "") -> None:
        head = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": TOOL}
        head |= {"Authorization": f"Bearer {token}"} if token else {}
        self._url, self._http = url, httpx.Client(headers=head, timeout=60, trust_env=False)

    def call(self, number: int) -> float:
        """Milliseconds of one call, whose answer must be the upstream's."""
        began = time.perf_counter()
        answer = self._http.post(self._url, json=body(number)).json()
        took = (time.perf_counter() - began) * 1000
        told = answer["result"]["structuredContent"]
        orders = told["orders"] if "orders" in told else told["result"]["record"]["orders"]
        if len(orders) != 3:
            raise SystemExit(f"The call was not answered: {answer}")
        return took


def at_once(door: Door, *, clients: int, seconds: float) -> float:
    """Calls a second of so many clients, each of which calls again as soon as it was answered."""
    done, until = [0] * clients, time.monotonic() + seconds

    def work(mine: int) -> None:
        while time.monotonic() < until:
            door.call(10_000 * (mine + 1) + done[mine])
            done[mine] += 1

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], url: str) -> Iterator[None]:
    """A process that answers at an address."""
    process = subprocess.Popen([sys.executable, "-m", *command])  # noqa: S603 - our own programs
    try:
        for _ in range(600):
            try:
                httpx.get(url, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def measure(direct: Door, governed: Door, *, calls: int, clients: int, seconds: float) -> dict[str, Any]:
    """Turn by turn, so that what else the machine does strikes both alike."""
    for number in range(5):
        direct.call(number), governed.call(number)
    pairs = [(direct.call(number), governed.call(number)) for number in range(100, 100 + calls)]
    alone, through = (statistics.median(times) for times in zip(*pairs, strict=True))
    bare, held = (at_once(door, clients=clients, seconds=seconds) for door in (direct, governed))
    return {
        "direct_p50_ms": round(alone, 2), "governed_p50_ms": round(through, 2), "p50_ratio": round(through / alone, 2),
        "added_ms": round(through - alone, 2), f"direct_per_s_at_{clients}": round(bare, 1),
        f"governed_per_s_at_{clients}": round(held, 1), "rate_ratio": round(held / bare, 2),
    }  # fmt: skip


def main() -> None:
    """Start both, measure, stop both."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--service-ms", type=float, default=100)
    asked.add_argument("--calls", type=int, default=100)
    asked.add_argument("--clients", type=int, default=16)
    asked.add_argument("--seconds", type=float, default=15)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--json", action="store_true", dest="as_json")
    given = asked.parse_args()
    ports = [free_port(), free_port()]
    upstream, remit = (f"http://127.0.0.1:{port}" for port in ports)
    _, token = make(upstream)
    tick()
    web = ["uvicorn", "console.asgi:application", "--port", str(ports[1]), "--workers", str(given.workers)]
    with (
        serving(["benchmarks.mcp.upstream", str(ports[0]), str(given.service_ms)], f"{upstream}/orders"),
        serving([*web, "--log-level", "warning", "--no-access-log"], f"{remit}/healthz"),
    ):
        direct, governed = Door(f"{upstream}/mcp"), Door(f"{remit}/mcp", token)
        found = measure(direct, governed, calls=given.calls, clients=given.clients, seconds=given.seconds)
    tell({"service_ms": given.service_ms, **found}, as_json=given.as_json)


if __name__ == "__main__":
    main()
