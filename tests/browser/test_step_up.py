"""A passkey and an app in real Chromium: enrolled, used to approve, accessible in both themes and at 390 px."""

import time
from base64 import b32decode
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.browser.conftest import Person
from tests.browser.looks import each_look
from tests.browser.test_story import axe_problems, review, sees, trace_path

PAGES = ["/me/security/", "/me/step-up/", "/approvals/rechecks/"]


def at_localhost(remit: dict) -> dict:
    """Passkeys need a host name: the same server by another name of this machine."""
    return {**remit, "url": remit["url"].replace("127.0.0.1", "localhost")}


@pytest.fixture
def floor(remit):
    """The sample workspace as a real one: every approval asks for a passkey."""

    def ask(level: str) -> None:
        with psycopg.connect(remit["database_url"], autocommit=True) as server:
            server.execute("UPDATE approvals_approvalsettings SET step_up_floor = %s", [level])

    yield ask
    ask("none")


def with_authenticator(person):
    """Chromium's own authenticator, with a user who is present and verified."""
    session = person.context.new_cdp_session(person.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_passkey_signs_an_approval_end_to_end(chromium, remit, demo, floor):
    trace = trace_path(demo)
    floor("passkey")
    priya = Person(chromium, at_localhost(remit), "priya")
    with_authenticator(priya)
    page = priya.page
    review(page, trace, "Refund $240.00 on order 48213")
    page.click("button[value=approve]")
    sees(page, "You need a passkey to approve this.")
    assert axe_problems(page) == []
    page.click("text=Add a passkey")
    page.wait_for_url("**/me/security/")
    sees(page, "Your approval was kept")
    page.fill("#passkey-name", "Laptop")
    page.click("button:has-text('Add a passkey')")
    sees(page, "Keep these 10 recovery codes")
    assert axe_problems(page) == []
    page.click("text=Go on with your approval")
    sees(page, "One step left: prove who you are")
    assert axe_problems(page) == []
    page.click("button:has-text('Approve with a passkey')")
    sees(page, "You approved step 1. Waiting for Finance.")
    assert priya.complaints == []
    with psycopg.connect(remit["database_url"]) as server:
        signed = server.execute("SELECT signed FROM approvals_verdict ORDER BY id DESC LIMIT 1").fetchone()[0]
    assert signed["statement"]["step_up"]["method"] == "passkey" and signed["assertion"]["signature"]
    priya.context.close()


def test_pages_are_accessible_and_fit(person):
    for first, paths in (("ken", PAGES), ("dana", ["/approvals/load/"])):
        who = person(first)
        for path in paths:
            for width in each_look(who.page, f"{who.base}{path}"):
                assert who.page.evaluate("document.documentElement.scrollWidth") <= width, path
                assert who.page.locator("h1").count() == 1 and axe_problems(who.page) == [], path
        assert who.complaints == []


def test_app_is_enrolled_without_scripts(person):
    tomas = person("tomas", java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = tomas.open("/me/security/")
    page.click("button:has-text('Add an app')")
    sees(page, "Scan, then type the code")
    secret = page.locator("p code").first.inner_text().replace(" ", "")
    app = TOTP(b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - what authenticator apps read
    code = app.generate(int(time.time())).decode()
    assert page.locator("svg.qr path").count() == 1 and urlsplit(page.url).path == "/me/security/app/"
    page.fill("#id_code", code)
    page.click("button:has-text('Add this app')")
    sees(page, "Keep these 10 recovery codes")
    assert page.locator("main li code").count() == 10
