"""A client for which people sign in, a person at the page in a browser without scripts, and the requests after it."""

import base64
import hashlib
import html
import re
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.test import Client

from accounts.services import register_sign_in_client
from tests.gateway.exchanging import FORM
from tests.gateway.mcp_client import modern

BACKEND = "django.contrib.auth.backends.ModelBackend"
HOSTED = "https://assistant.example/callback"
NATIVE = "http://127.0.0.1/callback"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class App:
    """What an MCP client knows: its id, where answers are sent, and a fresh verifier and state for each try."""

    def __init__(self, cast, *, scopes: str = "agent", redirects=(HOSTED, NATIVE), name: str = "Assistant") -> None:
        self.cast = cast
        self.client = register_sign_in_client(
            actor=cast.actor("dana"), agent=cast.agent, name=name, redirects=redirects, scopes=scopes
        )
        self.client_id = self.client.application.client_id
        self.verifier, self.state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)

    def asks(self, **more) -> dict:
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": HOSTED, "state": self.state,
            "code_challenge": challenge_of(self.verifier), "code_challenge_method": "S256",
            "resource": settings.REMIT_AUDIENCE_MCP,
        }  # fmt: skip
        return {name: value for name, value in (asked | more).items() if value is not None}

    def address(self, **more) -> str:
        return f"/oauth/authorize?{urlencode(self.asks(**more), doseq=True)}"

    def code(self, first: str = "maya", **more) -> str:
        answer = pressed(at(self.cast, first), self.address(**more))
        return sent(answer)["code"]

    def exchange(self, code: str, **more):
        form = {
            "grant_type": "authorization_code", "code": code, "client_id": self.client_id, "redirect_uri": HOSTED,
            "code_verifier": self.verifier, "resource": settings.REMIT_AUDIENCE_MCP,
        }  # fmt: skip
        return token({name: value for name, value in (form | more).items() if value is not None})

    def tokens(self, first: str = "maya", **more) -> dict:
        answer = self.exchange(self.code(first, **more), resource=more.get("resource"))
        assert answer.status_code == 200, answer.content
        return answer.json()

    def refresh(self, held: str, **more):
        return token({"grant_type": "refresh_token", "refresh_token": held, "client_id": self.client_id, **more})


def token(form: dict, **headers):
    return Client().post("/oauth/token", urlencode(form, doseq=True), content_type=FORM, headers=headers)


def at(cast, first: str) -> Client:
    """A browser in which this person is signed in; forms are checked as in a real one."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.user(first), backend=BACKEND)
    return browser


def fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def pressed(browser: Client, address: str, answer: str = "allow", **more):
    page = browser.get(address)
    assert page.status_code == 200, page.content
    return browser.post(address, {**fields(page.content.decode()), "answer": answer, **more})


def led_to(answer) -> str:
    """Where the browser goes on to, and the link for one that does not."""
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"], answer.content
    place = answer["Refresh"].removeprefix("0;url=")
    assert html.escape(place) in answer.content.decode()
    return place


def sent(answer, to: str = HOSTED) -> dict[str, str]:
    """What the client reads in its address. The answer's only ways are that the browser goes on there, or the person does."""
    place = led_to(answer)
    assert place.startswith(f"{to}?") and "#" not in place
    found = parse_qs(urlsplit(place).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def works(held: str) -> bool:
    return modern("tools/list", {}, held).status_code == 200


def refused(answer, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.content
