"""`python -m tests.remote.server PORT`: a remote of all three classes that spoils answers on order and keeps its own truth.

Paths: POST /a/orders honours Idempotency-Key; POST /b/orders can be looked up by X-Action-Id at GET /b/orders?reference=;
POST /c/orders does neither. GET /truth says what really happened; POST /faults orders spoiled answers.
"""

import gzip
import json
import random
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.remote.tokens import Tokens

SECRET = "a-static-secret-of-the-remote"
FAULTS = (
    "reset_before", "reset_after", "slow_after", "500_before", "500_after", "429", "cut_body", "error_in_200",
    "wrong_type", "not_json", "redirect", "gzip_bomb",
)  # fmt: skip
SLOW_S = 3.0
_RESET = struct.pack("ii", 1, 0)


class Truth:
    """What happened, told apart from what was answered."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.effects: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.faults: list[str] = []
        self.requests: list[dict[str, str]] = []
        self.answered: list[
            str
        ] = []  # Actions whose answer was sent; whether it arrived is not for the remote to know.
        self.spoiled = 0
        self.chance, self.random = 0.0, random.Random()
        self.latency_s = 0.0
        self.word = ""  # A secret of the remote's own, which it says in its echoes.

    def take_fault(self) -> str:
        with self.lock:
            if self.faults:
                found = self.faults.pop(0)
            else:
                found = self.random.choice(FAULTS) if self.random.random() < self.chance else ""
            self.spoiled += found != ""
            return found

    def order(self, klass: str, key: str, action: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        """The effect, once per key where keys are honoured."""
        with self.lock:
            if klass == "a" and key in self.keys:
                seen, made = self.keys[key]
                return (201, made) if seen == raw else (422, {"title": "This key was used with another body."})
            body = json.loads(raw)
            if body.get("amount", 0) < 0:
                return 422, {"title": "The amount is negative."}
            made = {**body, "id": f"ord_{len(self.effects) + 1}", "reference": action}
            self.effects.append({"class": klass, "action": action, "id": made["id"], "at": time.time()})
            if klass == "a":
                self.keys[key] = (raw, made)
            return 201, made


TRUTH = Truth()
TOKENS = Tokens()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing: its truth is asked for."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/truth":
            told = {"effects": TRUTH.effects, "requests": TRUTH.requests}
            told |= {"answered": TRUTH.answered, "spoiled": TRUTH.spoiled}
            return self._send(200, {**told, "tokens": TOKENS.rows, "tokens_asked": TOKENS.asked})
        if not self._signed():
            return None
        if parts.path == "/b/orders":
            wanted = parse_qs(parts.query).get("reference", [""])[0]
            found = [e for e in TRUTH.effects if e["class"] == "b" and e["action"] == wanted]
            return self._send(200, {"orders": [{"id": e["id"], "reference": e["action"]} for e in found]})
        return self._send(404, {"title": "There is no such thing."})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path in {"/faults", "/chance"}:
            return self._ordered(json.loads(raw))
        if self.path == "/tokens":
            return self._send(200, {"ordered": TOKENS.order(json.loads(raw))})
        if self.path == "/oauth/token":
            return self._bytes(*TOKENS.mint(raw), "application/json")
        if self.path == "/oauth/revoke":
            return self._send(200, {"revoked": TOKENS.revoke(raw)})
        if not self._signed():
            return None
        klass = self.path.strip("/").split("/")[0]
        action, key = self.headers.get("X-Action-Id", ""), self.headers.get("Idempotency-Key", "")
        TRUTH.requests.append({"class": klass, "action": action, "key": key, "body": raw.decode()})
        return self._spoiled(TRUTH.take_fault(), klass, key, action, raw)

    def _ordered(self, asked: dict[str, Any]) -> None:
        with TRUTH.lock:
            TRUTH.chance, TRUTH.latency_s = asked.get("chance", 0.0), asked.get("latency_s", 0.0)
            TRUTH.word = asked.get("word", TRUTH.word)
            TRUTH.random.seed(asked.get("seed", 0))
            TRUTH.faults = [asked["kind"]] * asked.get("count", 1) if "kind" in asked else []
        self._send(200, {"faults": TRUTH.faults})

    def _signed(self) -> bool:
        header = self.headers.get("Authorization", "")
        if header == f"Bearer {SECRET}" or TOKENS.allows(header):
            return True
        self._send(401, {"title": "Sign in."})
        return False

    def _spoiled(self, fault: str, klass: str, key: str, action: str, raw: bytes) -> None:
        if fault == "reset_before":
            return self._leave()
        if fault in {"500_before", "429"}:
            return self._send(500 if fault == "500_before" else 429, {"title": "Not now."})
        if fault == "echo_422":
            return self._send(422, {"title": f"Refused: {self._heard(raw)}", "debug": self._heard(raw)})
        if fault == "redirect":
            return self._send(307, {}, Location="/elsewhere")
        time.sleep(TRUTH.latency_s)
        status, made = TRUTH.order(klass, key, action, raw)
        time.sleep(TRUTH.latency_s)
        self._answer(fault, status, made, raw)
        return TRUTH.answered.append(action)

    def _answer(self, fault: str, status: int, made: dict[str, Any], raw: bytes) -> None:
        """The effect stands; its answer may not arrive as it is."""
        if fault == "reset_after":
            return self._leave()
        if fault == "slow_after":
            time.sleep(SLOW_S)
        if fault == "echo":
            more = {"session": self._heard(raw), "note_to_self": {"keys": [self._heard(raw)]}}
            return self._send(201, {**made, **more}, **{"Set-Cookie": self._heard(raw)})
        if fault == "echo_500":
            return self._send(500, {"title": "Broke.", "error": self._heard(raw), "trace": [self._heard(raw)]})
        if fault == "500_after":
            return self._send(500, {"title": "Broke."})
        if fault == "error_in_200":
            return self._send(200, {"error": "It did not work."})
        if fault == "wrong_type":
            return self._bytes(201, b"[1]", "application/json")
        if fault == "not_json":
            return self._bytes(201, b"<html>ok</html>", "text/html")
        if fault == "gzip_bomb":
            bomb = gzip.compress(b"0" * 20_000_000)
            return self._bytes(201, bomb, "application/json", **{"Content-Encoding": "gzip"})
        if fault == "cut_body":
            self._head(201, 4000, "application/json")
            self.wfile.write(b'{"id": "ord_')
            return self._leave()
        return self._send(status, made)

    def _heard(self, raw: bytes) -> str:
        """Everything a careless system would repeat: who signed in, with what, and what was sent."""
        return f"{self.headers.get('Authorization')} {raw.decode()} {TRUTH.word}"

    def _leave(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _send(self, status: int, body: dict[str, Any], **headers: str) -> None:
        self._bytes(status, json.dumps(body).encode(), "application/json", **headers)

    def _bytes(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self._head(status, len(body), kind, **headers)
        self.wfile.write(body)

    def _head(self, status: int, length: int, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that are killed hang up; that is what this is for."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
