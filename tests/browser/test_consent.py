"""The page at which a person lets an app have an agent act for them, in real Chromium: by keyboard and without scripts."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.browser import walk
from tests.browser.conftest import managed
from tests.browser.test_story import axe_problems, sees

PHONE = {"width": 390, "height": 800}


@pytest.fixture
def app():
    """An app that takes a person's answer and sends them on to its own pages, at another origin, as hosted apps do."""
    found: list[dict] = []

    class Back(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback"):
                found.append({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/home")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Back</title><p>Back at the app.")

        def log_message(self, *given) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Back)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/callback", found
    server.shutdown()
    server.server_close()


def registered(remit) -> str:
    said = managed(
        remit, "remit_agent_client", "northwind/refunds-agent", "--name", "Desk editor", "--redirect", "http://127.0.0.1/callback",
    )  # fmt: skip
    return said.split("client_id: ")[1].split()[0]


def address(remit, client_id: str, back: str) -> str:
    asked = {
        "response_type": "code", "client_id": client_id, "redirect_uri": back, "state": "s", "code_challenge": "a" * 43,
        "code_challenge_method": "S256", "resource": f"{remit['url']}/mcp", "scope": "read write",
    }  # fmt: skip
    return f"/oauth/authorize?{urlencode(asked)}"


def test_allowed_by_keyboard_seen_under_apps_and_ended_there(remit, person, app):
    back, found = app
    maya, asked = person("maya"), address(remit, registered(remit), back)
    page = maya.open(asked)
    sees(page, "Desk editor")
    assert page.locator("h1").count() == 1 and axe_problems(page) == []
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "allow":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("http://localhost:*/home")
    assert found[0]["state"] == "s" and found[0]["iss"] == remit["url"] and found[0]["code"]
    page = maya.open("/")
    page.locator("a:has-text('Apps'):visible").first.click()
    sees(page, "Desk editor")
    sees(page, "Read records; Change records")
    page.click("button:has-text('End it')")
    sees(page, "may not have")
    sees(page, "None now")
    assert maya.complaints == []


def test_denied_without_scripts_on_a_phone_in_the_dark(remit, person, app):
    back, found = app
    asked = address(remit, registered(remit), back)
    maya = person("maya", viewport=PHONE, color_scheme="dark", java_script_enabled=False)
    page = maya.open(asked)
    sees(page, "Answer goes to")
    page.click("button:has-text('Deny')")
    page.wait_for_url("http://localhost:*/home")
    assert found == [{"error": "access_denied", "state": "s", "iss": remit["url"]}]


def test_on_a_phone_in_the_dark_it_fits_and_is_read_well(remit, person, app):
    maya = person("maya", viewport=PHONE, color_scheme="dark")
    page = maya.open(address(remit, registered(remit), app[0]))
    sees(page, "Answer goes to")
    assert page.evaluate(walk.TOO_WIDE) == [] and axe_problems(page) == [] and maya.complaints == []
