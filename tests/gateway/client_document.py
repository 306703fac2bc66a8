"""A client's metadata document on loopback: real HTTP, real keys, and a place to lie in each."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from joserfc import jwt
from joserfc.jwk import ECKey

GONE = object()  # As a value: leave the name out.
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def new_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig", "alg": "ES256"})


def without(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not GONE}


class Site:
    """Where an agent's maker publishes what its client is; honest until a test changes something."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}/refunds/client.json"
        self.key = new_key("one")
        self.keys = [self.key.as_dict(private=False)]
        self.changes: dict[str, Any] = {}
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        self.asked: list[str] = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def document(self) -> dict[str, Any]:
        honest = {"client_id": self.url, "client_name": "Refunds", "token_endpoint_auth_method": "private_key_jwt"}
        return without(honest | {"jwks": {"keys": self.keys}} | self.changes)

    def told(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(path)
        body = {"keys": self.keys} if path == "/keys.json" else self.document()
        return self.answer or (200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def assertion(self, *, key: ECKey | None = None, **changes: Any) -> str:
        """One that is made for this request, but for the changes."""
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": self.url, "aud": f"{settings.REMIT_BASE_URL}/oauth/token", "iat": now, "exp": now + 60,
            "jti": secrets.token_hex(16),
        }  # fmt: skip
        return jwt.encode({"alg": "ES256", "kid": (key or self.key).kid}, without(claims | changes), key or self.key)


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = site.told(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: Any) -> None:
            return

    return Handler
