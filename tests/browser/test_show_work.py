"""Show work inside another product: the page of docs/show-work.md as it stands, in real Chromium, on an origin of its own."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.looks import LOOKS, NARROWEST, each_look
from tests.browser.test_story import axe_problems
from tests.desk.running import free_port

PAGE = Path(__file__).parents[2] / "docs/show-work.md"
SNIPPET = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
MAYA = {"on_behalf_of": "maya@northwind.example"}


def rest(remit, path, body) -> dict:
    headers = {"Authorization": f"Bearer {remit['agent_token']}", "Content-Type": "application/json"}
    with urlopen(Request(f"{remit['url']}/api/v1/{path}", json.dumps(body).encode(), headers)) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def trace(remit) -> str:
    made = rest(remit, "traces", {"intent": "What is on order 48213?", **MAYA})["trace_id"]
    rest(remit, "tool-calls", {"trace_id": made, "tool": "desk.order.get", "arguments": {"order_id": "48213"}})
    return made


@contextmanager
def product(remit, trace):
    """The documented product as a process. `localhost` is another site than the 127.0.0.1 of Remit."""
    port = free_port()
    env = {
        "REMIT_URL": remit["url"],
        "REMIT_AGENT_TOKEN": remit["agent_token"],
        "REMIT_TRACE": trace,
        "PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-c", SNIPPET], env=os.environ | env, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urlopen(f"http://127.0.0.1:{port}/").close()
                break
            except URLError:
                sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def browsing(chromium, **context):
    made = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | context))
    page = made.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    yield page
    made.close()


def listed(person, origin) -> None:
    dana = person("dana")
    page = dana.open("/embedding/")
    page.fill("#id_address", origin)
    page.click("text=Let it frame Show work")
    page.locator("main").get_by_text(f"Pages of {origin} may frame what links open.").wait_for()
    assert axe_problems(page) == [] and dana.complaints == []


def test_a_listed_product_shows_the_trace_in_its_own_page(remit, trace, person, chromium):
    with product(remit, trace) as origin, browsing(chromium) as page:
        listed(person, origin)
        page.goto(origin)
        page.click("text=Show work")
        frame = page.frame_locator("remit-show-work iframe")
        expect(frame.locator("h1")).to_contain_text("48213")
        assert "/show/" in page.frames[1].url
        frame.locator("nav.tabs >> text=Tool calls").click()
        expect(frame.locator("nav.tabs [aria-current]")).to_contain_text("Tool calls")
        frame.locator("details.call summary").first.click()
        expect(frame.locator("text=not shown here").first).to_be_visible()
        frame.locator("#answer-line").fill("It did.")
        frame.locator("button:has-text('Yes')").click()
        frame.locator("text=Last answer: yes").wait_for()
        page.click("text=Close")
        expect(page.locator("iframe")).to_have_count(0)
        assert page.complaints == []
        assert page.evaluate("document.activeElement.textContent") == "Show work"


def test_a_running_trace_changes_in_the_frame_by_itself_and_keeps_what_is_open(remit, person, chromium):
    made = rest(remit, "traces", {"intent": "Write to whoever order 48213 is from.", **MAYA})["trace_id"]
    asked = {"trace_id": made, "tool": "desk.order.get", "arguments": {"order_id": "48213"}}
    rest(remit, "tool-calls", asked)
    # Whatever other tests refunded before, a letter waits, and nobody else wrote this one.
    waits = {"to": "ap@birch.example", "subject": "Your order 48213", "body": "We look at it while you read this."}
    rest(remit, "tool-calls", {"trace_id": made, "tool": "desk.mail.send", "arguments": waits})
    with product(remit, made) as origin, browsing(chromium) as page:
        listed(person, origin)
        page.goto(origin)
        page.click("text=Show work")
        frame = page.frame_locator("remit-show-work iframe")
        frame.locator("nav.tabs >> text=Tool calls").click()
        expect(frame.locator("nav.tabs [aria-current]")).to_contain_text("Tool calls")
        frame.locator("details.call summary").first.click()
        rest(remit, "tool-calls", {**asked, "arguments": {"order_id": "48377"}})
        expect(frame.locator("details.call")).to_have_count(2)
        expect(frame.locator("details.call").first).to_have_attribute("open", "")
        assert page.complaints == []


def test_a_product_that_is_not_listed_is_refused(remit, trace, chromium):
    with product(remit, trace) as origin, browsing(chromium) as page:
        page.goto(origin)
        page.click("text=Show work")
        for _ in range(100):
            if any("frame-ancestors" in one for one in page.complaints):
                break
            page.wait_for_timeout(200)
        assert any("frame-ancestors" in one for one in page.complaints), page.complaints
        assert all("/show/" not in frame.url or frame.locator("h1").count() == 0 for frame in page.frames[1:])
        page.click("text=Close")


def test_without_scripts_the_button_is_a_link_to_the_page(remit, trace, chromium):
    with product(remit, trace) as origin, browsing(chromium, java_script_enabled=False) as page:
        page.goto(origin)
        page.click("text=Show work")
        page.wait_for_url(f"{remit['url']}/show/**")
        page.click("text=Tool calls")
        page.wait_for_url("**tab=calls")
        assert page.locator("h1").count() == 1 and page.locator("summary").count() > 0


def test_the_page_is_accessible_and_fits(remit, trace, chromium):
    address = rest(remit, f"traces/{trace}/links", MAYA)["url"]
    for path in (address, f"{address}?tab=calls&calls=all", f"{remit['url']}/show/x/"):
        with browsing(chromium) as page:
            for width in each_look(page, path, [*LOOKS, NARROWEST]):
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
                assert page.locator("h1").count() == 1 and axe_problems(page) == [], path
            assert [one for one in page.complaints if "404" not in one] == []
