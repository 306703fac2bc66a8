"""The remote's own sign-in: a token for each request of one, spoiled as asked, so that a credential can be what fails (F14).

POST /oauth/token and /oauth/revoke; POST /tokens orders what the next ones are, `{"kinds": [...], "held": true}`. Held, it
answers once it is told otherwise; with `slow_s` it mints so late. Who asks for a lifetime and a record gets both.
"""

import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs

# What the token endpoint does: no answer of use, more than was asked for, or one that is dead on arrival.
MINTS = ("500", "not_json", "no_token", "wider", "dead")
LIVES_S = 60


class Tokens:
    """Every token that was given, what it may, and when it ended."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.held, self.slow_s = False, 0.0
        self.asked = 0
        self.live: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []

    def order(self, asked: dict[str, Any]) -> None:
        self.kinds, self.held = list(asked.get("kinds", [])), asked.get("held", False)
        self.slow_s = asked.get("slow_s", 0.0)

    def mint(self, raw: bytes) -> tuple[int, bytes]:
        """The answer of the token endpoint."""
        form = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        scope, ttl = form.get("scope", ""), int(form.get("ttl", LIVES_S))
        self.asked += 1
        kind = self.kinds.pop(0) if self.kinds else ""
        while self.held:
            time.sleep(0.01)
        time.sleep(self.slow_s)
        if kind == "500":
            return 500, b'{"error": "server_error"}'
        if kind == "not_json":
            return 200, b"<html>signed in</html>"
        if kind == "no_token":
            return 200, b'{"token_type": "Bearer"}'
        token, told = secrets.token_hex(16), f"{scope} orders:admin" if kind == "wider" else scope
        self.rows.append({"token": token, "scope": told, "uses": 0, "revoked": False, "ends": time.time() + ttl})
        if kind != "dead":
            self.live[token] = scope
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": ttl, "scope": told}
        return 200, json.dumps(answer | ({"record": form["record"]} if "record" in form else {})).encode()

    def revoke(self, raw: bytes) -> None:
        token = parse_qs(raw.decode()).get("token", [""])[0]
        self.live.pop(token, None)
        for row in self.rows:
            row["revoked"] |= row["token"] == token

    def allows(self, header: str) -> bool:
        """Whether a request signed so may go on."""
        token = header.removeprefix("Bearer ")
        for row in self.rows:
            row["uses"] += row["token"] == token
            if row["token"] == token and row["ends"] <= time.time():
                return False
        return token in self.live
