"""Starts the fault-injecting remote as a process of its own, and makes the connection and the tools that reach it."""

import subprocess
import sys
import time
from dataclasses import dataclass

import httpx
import yaml

from actions.connections import save_connection
from actions.tools import load_tools
from tests.builders import publish, sample_plain, waive
from tests.desk.running import ROOT, free_port
from tests.loopback import http
from tests.remote.server import SECRET


@dataclass
class RunningRemote:
    base_url: str
    process: subprocess.Popen

    def fault(self, kind: str, count: int = 1) -> None:
        http.post(f"{self.base_url}/faults", json={"kind": kind, "count": count}).raise_for_status()

    def says(self, word: str) -> None:
        """What it repeats of its own in the answers that echo."""
        http.post(f"{self.base_url}/faults", json={"word": word}).raise_for_status()

    def chance(self, chance: float, seed: int, latency_s: float = 0.0) -> None:
        """Spoil that share of answers, by a die of its own; take a while before and after each effect."""
        asked = {"chance": chance, "seed": seed, "latency_s": latency_s}
        http.post(f"{self.base_url}/chance", json=asked).raise_for_status()

    def tokens(self, kinds: tuple[str, ...] = (), *, held: bool = False, slow_s: float = 0.0) -> None:
        """What its token endpoint does with the next requests, and whether it keeps them waiting (tests.remote.tokens)."""
        asked = {"kinds": kinds, "held": held, "slow_s": slow_s}
        http.post(f"{self.base_url}/tokens", json=asked).raise_for_status()

    def truth(self) -> dict:
        return http.get(f"{self.base_url}/truth", timeout=30).json()

    def effects(self, action_id: str) -> int:
        return sum(effect["action"] == action_id for effect in self.truth()["effects"])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def start_remote() -> RunningRemote:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.remote.server", str(port)], cwd=ROOT)
    remote = RunningRemote(f"http://127.0.0.1:{port}", process)
    for _ in range(400):
        try:
            remote.truth()
            return remote
        except httpx.TransportError:
            if process.poll() is not None:
                raise RuntimeError(f"The remote ended with {process.returncode}.") from None
            time.sleep(0.1)
    remote.stop()
    raise RuntimeError("The remote did not answer.")


def operation(klass: str) -> dict:
    """The operation of one class, with exactly the means that class has."""
    write = {"method": "POST", "path": f"/{klass}/orders", "scope": "orders:write", "body": "arguments", "ok": [201]}
    found: dict = {"class": klass.upper(), "write": write}
    if klass == "a":
        write["key_header"] = "Idempotency-Key"
    if klass == "b":
        look_up = {"path": "/b/orders?reference={reference}", "at": "orders", "scope": "orders:read", "lag_s": 0}
        found["look_up"] = look_up
    return found


def tools_text() -> str:
    """Three tools, `shop.order.a` to `.c`, as a tool file."""
    schema = {
        "type": "object", "additionalProperties": False, "required": ["item", "amount"],
        "properties": {"item": {"type": "string", "maxLength": 60}, "amount": {"type": "integer"}},
    }  # fmt: skip
    words = {"noun": "Order", "imperative": "Order {item}", "present": "Ordering {item}", "past": "Ordered {item}"}
    tools = [
        {
            "name": f"shop.order.{klass}", "title": "Order", "description": "Orders one thing.",
            "resource_type": "shop.order", "effect_class": "write", "reversibility": "compensable",
            "input_schema": schema, "fields_at": "", "operation": operation(klass), "words": words,
        }
        for klass in "abc"
    ]  # fmt: skip
    return yaml.safe_dump({"connection": "shop", "tools": tools})


def sign_in_by(cast, remote: RunningRemote, auth: dict | None) -> None:
    """The connection to the remote, signed in as `auth` says; without it, of the kind whose tokens have a lifetime asked for."""
    save_connection(
        actor=cast.actor("dana"), workspace=cast.northwind, slug="shop", name="Shop", kind="http" if auth else "records",
        base_url=remote.base_url, client_id="shop", client_secret=SECRET, allow_private=True,
        options={"auth": auth} if auth else {},
    )  # fmt: skip


def connect_remote(cast, remote: RunningRemote) -> None:
    """The remote as a connection of the first workspace, and a policy that lets the agent use it without asking."""
    sign_in_by(cast, remote, {"kind": "static"})
    load_tools(actor=cast.actor("dana"), workspace=cast.northwind, text=tools_text())
    publish(cast, shop_policy())


def shop_policy() -> dict:
    """The sample policy with the shop's tools, which need nobody."""
    plain = sample_plain()
    role = plain["roles"]["refunds"]
    role["tools"] |= {f"shop.order.{klass}": {"mode": "auto"} for klass in "abc"}
    role["fields"]["shop.order"] = {"read": ["id", "item", "amount"], "write": ["item", "amount"]}
    reason = "The shop's orders are new records; there is none to scope or to restore."
    waive(plain, "write.per_object_scope", "write.rollback", reason=reason)
    return plain
