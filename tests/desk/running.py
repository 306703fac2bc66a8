"""Starts the real sample desk as a process of its own, for suites that need a system of record."""

import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.loopback import http

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class RunningDesk:
    base_url: str
    client_id: str
    client_secret: str
    process: subprocess.Popen

    def fault(self, kind: str, count: int = 1) -> None:
        http.post(f"{self.base_url}/faults", json={"kind": kind, "count": count}).raise_for_status()

    def reset(self) -> None:
        """The seed records again, and no fault pending."""
        http.post(f"{self.base_url}/reset").raise_for_status()

    def audit(self) -> list[dict]:
        answer = http.get(f"{self.base_url}/audit", auth=(self.client_id, self.client_secret))
        return answer.json()["tokens"]

    def token(self, scope: str, record: str | None = None, ttl: int = 60) -> str:
        form = {"grant_type": "client_credentials", "scope": scope, "ttl": str(ttl), "reference": "test"}
        form |= {"record": record} if record else {}
        answer = http.post(f"{self.base_url}/oauth/token", data=form, auth=(self.client_id, self.client_secret))
        answer.raise_for_status()
        return answer.json()["access_token"]

    def read(self, path: str) -> dict:
        """A record as the desk's own staff would see it."""
        kind = path.strip("/").split("/")[0].split("?")[0]
        return http.get(f"{self.base_url}{path}", headers=self.bearer(f"{kind}:read")).json()

    def patch(self, path: str, fields: dict) -> None:
        """Somebody else changes a record."""
        token = self.token(f"{path.strip('/').split('/')[0]}:write")
        head = {"Authorization": f"Bearer {token}"}
        version = http.get(f"{self.base_url}{path}", headers=head).headers["ETag"]
        answer = http.patch(f"{self.base_url}{path}", json=fields, headers={**head, "If-Match": version})
        answer.raise_for_status()

    def bearer(self, scope: str, **kwargs) -> dict[str, str]:
        """The header of a fresh token."""
        return {"Authorization": f"Bearer {self.token(scope, **kwargs)}"}

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_desk(data: Path, *, faults: bool = True, secret: str = "") -> RunningDesk:
    """A desk of its own on a free port, answering. Raises RuntimeError when it ended or never answered."""
    port, secret = free_port(), secret or secrets.token_urlsafe(16)
    env = {**os.environ, "DESK_CLIENT_ID": "remit", "DESK_CLIENT_SECRET": secret, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sample.desk", "--port", str(port), "--data", str(data)]
    process = subprocess.Popen([*command, *(["--faults"] if faults else [])], env=env, cwd=ROOT)
    desk = RunningDesk(f"http://127.0.0.1:{port}", "remit", secret, process)
    for _ in range(400):
        try:
            http.get(f"{desk.base_url}/health")
            return desk
        except httpx.TransportError:
            if process.poll() is not None:
                raise RuntimeError(f"The desk ended with {process.returncode}.") from None
            time.sleep(0.1)
    desk.stop()
    raise RuntimeError("The desk did not answer.")
