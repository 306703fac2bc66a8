"""A small OpenID provider on loopback: real HTTP, real signatures, PKCE and single-use codes, and a place to lie in each."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "remit-console", "the client's own secret"
KEY = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
GONE = object()  # As a claim's value: leave the claim out.


def public(key) -> dict:
    return key.as_dict(private=False)


def changed(claims: dict, changes: dict) -> dict:
    return {name: value for name, value in (claims | changes).items() if value is not GONE}


class Provider:
    """Honest until a test changes one of the public attributes; `be_honest` undoes all of it."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.be_honest()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def be_honest(self) -> None:
        self.person = {
            "sub": "subject-1",
            "email": "Noor@Northwind.example",
            "email_verified": True,
            "name": "Noor Aziz",
        }
        self.token_changes, self.info_changes, self.metadata_changes = {}, {}, {}
        self.header = {"alg": "RS256", "kid": "key-1"}
        self.sign: Callable[[dict, dict], object] = lambda header, claims: jwt.encode(header, claims, KEY)
        self.keys = [public(KEY)]
        self.checks_pkce = True
        self.sends_iss = True
        self.answers: dict[str, tuple[int, dict, bytes]] = {}  # path -> a whole answer instead of the honest one
        self.codes: dict[str, dict] = {}
        self.requests: list[tuple[str, dict]] = []

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, query: dict, form: dict, authorization: str) -> tuple[int, dict, bytes]:
        self.requests.append((path, query | form))
        if path in self.answers:
            return self.answers[path]
        routes = {
            "/.well-known/openid-configuration": lambda: _json(self.metadata()),
            "/keys": lambda: _json({"keys": self.keys}),
            "/authorize": lambda: self.authorize(query),
            "/token": lambda: self.token(form, authorization),
            "/userinfo": lambda: self.userinfo(authorization),
        }
        return routes[path]() if path in routes else (404, {}, b"")

    def metadata(self) -> dict:
        named = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        found = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in named.items()}
        found |= {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        found["authorization_response_iss_parameter_supported"] = True
        return changed(found, self.metadata_changes)

    def authorize(self, query: dict) -> tuple[int, dict, bytes]:
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = {"code": code, "state": query["state"]} | ({"iss": self.issuer} if self.sends_iss else {})
        return 302, {"Location": query["redirect_uri"] + "?" + urlencode(back)}, b""

    def token(self, form: dict, authorization: str) -> tuple[int, dict, bytes]:
        asked = self.codes.pop(form["code"], None)
        pair = f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '+').replace(chr(39), '%27')}"
        known = authorization == "Basic " + base64.b64encode(pair.encode()).decode()
        if asked is None or not known or form["redirect_uri"] != asked["redirect_uri"] or not self._pkce(asked, form):
            return _json({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(16)
        half = base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()[:16]).rstrip(b"=").decode()
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": self.person["sub"], "nonce": asked["nonce"],
                  "iat": now, "exp": now + 300, "at_hash": half}  # fmt: skip
        token = self.sign(self.header, changed(claims, self.token_changes))
        return _json(changed({"access_token": access, "token_type": "Bearer", "id_token": token}, {}))

    def _pkce(self, asked: dict, form: dict) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        honest = asked.get("code_challenge_method") == "S256" and asked.get("code_challenge") == challenge
        return honest or not self.checks_pkce

    def userinfo(self, authorization: str) -> tuple[int, dict, bytes]:
        known = authorization.startswith("Bearer ")
        return _json(changed(self.person, self.info_changes)) if known else (401, {}, b"")


def _json(value: dict, status: int = 200) -> tuple[int, dict, bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            single = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
            status, headers, content = provider.answer(parts.path, single, form, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args) -> None:
            """Quiet: the tests read `provider.requests`."""

    return Handler
