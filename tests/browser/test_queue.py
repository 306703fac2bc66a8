"""A reviewer's queue in real Chromium: twenty cleared without a mouse, one on a phone, and what a page left open says."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT
from tests.browser.test_story import axe_problems, sees

ASK = """
import os
from remit_client import Remit
remit = Remit(os.environ["REMIT_URL"], token=os.environ["REMIT_AGENT_TOKEN"])
trace = remit.open_trace(intent="Write to customers.", on_behalf_of="maya@northwind.example", sources=[])
trace.plan([{"title": f"Letter {n}", "tool": "desk.mail.send", "arguments": {
    "to": "ap@birch.example", "subject": f"Letter {n}", "body": "A letter."}} for n in range(int(os.environ["COUNT"]))])
"""


@pytest.fixture
def letters(remit):
    """So many letters that wait for a reviewer."""

    def ask(count: int) -> None:
        env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "REMIT_URL": remit["url"], "COUNT": str(count)}
        env["REMIT_AGENT_TOKEN"] = remit["agent_token"]
        subprocess.check_call([sys.executable, "-c", ASK], env=env, cwd=ROOT)

    return ask


def emptied(person) -> None:
    """Reject what other tests left to decide: not all of it asks for a second press."""
    for _ in range(50):
        page = person.open("/approvals/")
        if not page.locator("[data-row]").count():
            return
        page.fill("#reason", "Nobody needs it any more.")
        page.click("button[value=reject]")
        page.wait_for_selector("[data-told]")


def armed(page) -> None:
    """The first press of what cannot be taken back; the second is live after 600 ms."""
    page.keyboard.press("a")
    page.wait_for_selector("button[data-armed]", timeout=30_000)


@pytest.mark.timeout(600)  # Twenty decisions one after the other; a busy machine takes its time.
def test_twenty_are_cleared_by_keyboard_alone(person, letters):
    ken = person("ken")
    emptied(ken)
    letters(20)
    page = ken.open("/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/approvals/")
    page.wait_for_load_state()
    before = page.locator("[data-row]").count()
    # The most urgent one stands beside the queue already; after a decision the next row has the focus.
    for done in range(1, 21):
        if done > 1:
            page.wait_for_selector("[data-row]:focus")
            with page.expect_navigation():
                page.keyboard.press("Enter")
        page.wait_for_selector("button[value=approve]")
        page.wait_for_load_state()
        armed(page)
        page.keyboard.press("a")
        page.wait_for_selector("[data-told]")
        left = before - done
        expect(page.locator("#live")).to_have_text(f"Sent. {left} left for you.")
        assert page.locator("[data-row]").count() == left
    assert ken.complaints == []


def test_a_key_that_needs_a_reason_asks_for_it_and_ctrl_enter_then_means_that_button(person, letters):
    letters(1)
    nia = person("nia")
    page = nia.open("/approvals/")
    page.wait_for_load_state()
    address = page.url
    page.keyboard.press("x")
    expect(page.locator("#reason")).to_be_focused()
    expect(page.locator("#live")).to_contain_text("Write why. Then Control Enter: Reject")
    assert page.url == address, "nothing was sent"
    page.keyboard.type("Not this one.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-told]")
    expect(page.locator("#live")).to_contain_text("Rejected.")
    assert nia.complaints == []


def test_one_is_decided_on_a_phone_and_a_page_left_open_says_so(person, letters):
    letters(1)
    open_page = person("ken")
    open_page.open("/approvals/")
    open_page.page.locator("[data-row]:has-text('Letter 0')").first.click()
    open_page.page.wait_for_selector("#still", state="attached")
    address = open_page.page.url.split("/", 3)[3]

    phone = person("priya", viewport={"width": 390, "height": 844})
    page = phone.open(f"/{address}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and axe_problems(page) == []
    page.click("button[value=approve]")
    page.click("button[data-armed]")
    sees(page, "Approved by Priya Nair")

    open_page.page.evaluate("window.dispatchEvent(new Event('focus'))")
    sees(open_page.page, "Already approved by Priya Nair at")
    assert open_page.page.locator("button[value=approve]").count() == 0
    open_page.page.locator("#queue-news").get_by_text("The queue changed").wait_for()
    assert axe_problems(open_page.page) == []
    open_page.context.set_offline(True)
    open_page.page.evaluate("window.dispatchEvent(new Event('focus'))")
    open_page.page.get_by_text("Live updates stopped").wait_for()
