"""The servers under Remit: the operator's own where DATABASE_URL and REDIS_URL say so, embedded ones otherwise."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from console.runtime import postgres, valkey
from console.runtime.child import Child
from console.runtime.layout import Layout, secret

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(slots=True)
class Stack:
    """Children in start order, and the environment every process of Remit gets."""

    layout: Layout
    env: dict[str, str]
    children: list[Child] = field(default_factory=list)

    def start(self) -> None:
        """Start what is not given from outside. Raises StartError; the caller stops what was started."""
        if not self.env.get("DATABASE_URL"):
            server = postgres.child(self.layout, self.env)
            self.children.append(server)
            server.start()
            postgres.wait_ready(self.layout, server, self.env)
            self.env["DATABASE_URL"] = postgres.url(self.layout)
        if not self.env.get("REDIS_URL"):
            broker, url = valkey.child(self.layout, self.env)
            self.children.append(broker)
            broker.start()
            valkey.wait_port(urlsplit(url).port or 0, broker)
            self.env["REDIS_URL"] = url

    def stop(self) -> None:
        """Last started, first stopped."""
        for child in reversed(self.children):
            child.stop()


# The web process alone signs approvals; what runs actions or agents only verifies (B-03).
APPROVAL_SECRET = ("REMIT_APPROVAL_SECRET", "REMIT_APPROVAL_SECRET_FILE")


def of_web(layout: Layout, env: dict[str, str]) -> dict[str, str]:
    """The environment of the web process: the common one, and the secret that opens the approval key."""
    given = {name: os.environ[name] for name in APPROVAL_SECRET if name in os.environ}
    return env | (given or {"REMIT_APPROVAL_SECRET": secret(layout, "approval")})


def of_the_rest(env: dict[str, str]) -> dict[str, str]:
    """The environment of every other process: without that secret."""
    return {name: value for name, value in env.items() if name not in APPROVAL_SECRET}


def environment(layout: Layout) -> dict[str, str]:
    """What children inherit: ours, plus secrets made once and the data folder."""
    env = dict(os.environ)
    if "REMIT_SECRET_KEY_FILE" not in env:
        env.setdefault("REMIT_SECRET_KEY", secret(layout, "remit"))
    env["REMIT_DATA_DIR"] = str(layout.data)
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "client"), *filter(None, [env.get("PYTHONPATH")])])
    env["PYTHONUNBUFFERED"] = "1"
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    env.setdefault("DESK_CLIENT_ID", "remit")
    env.setdefault("DESK_CLIENT_SECRET", secret(layout, "desk"))
    env["DESK_DATA"] = str(layout.desk)
    return env
