"""Single keys of the console in real Chromium, and a phone whose list opens nothing (WCAG 2.1.4)."""

import copy
import os
import re
import subprocess
import sys

import psycopg
import pytest
from playwright.sync_api import expect

from policies.engine.document import load
from tests.browser.conftest import ROOT
from tests.browser.test_policy_conflict import publish
from tests.browser.test_queue import emptied, letters
from tests.browser.test_story import axe_problems, sees

__all__ = ["letters", "publish"]
UPDATES = """
import os
from remit_client import Remit
remit = Remit(os.environ["REMIT_URL"], token=os.environ["REMIT_AGENT_TOKEN"])
for n in range(2):
    trace = remit.open_trace(intent="Note it.", on_behalf_of="maya@northwind.example", sources=[])
    trace.plan([{"title": f"Note {n}", "tool": "desk.account.update", "arguments": {
        "account_id": "acct_5521", "fields": {"owner_note": f"note {n}", "credit_limit": f"{n + 1}000.00"}}}])
"""


def live(remit) -> str:
    query = """SELECT v.source FROM policies_policyversion v JOIN policies_policy p ON p.id = v.policy_id
        JOIN accounts_workspace w ON w.id = p.workspace_id WHERE v.is_live AND (w.slug, p.slug) = ('northwind', 'support')"""
    with psycopg.connect(remit["database"]) as database:
        return database.execute(query).fetchone()[0]


@pytest.fixture
def updates(remit, publish):
    """Two updates of an account that a support lead decides, each with a field that policy refuses."""
    plain = dict(load(live(remit)).plain)
    asking = copy.deepcopy(plain) | {"tests": []}
    asking["roles"]["refunds"]["tools"]["desk.account.update"] = {"mode": "approval", "route": "account"}
    publish(asking)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "REMIT_URL": remit["url"]}
    env["REMIT_AGENT_TOKEN"] = remit["agent_token"]
    try:
        subprocess.check_call([sys.executable, "-c", UPDATES], env=env, cwd=ROOT)
        yield
    finally:
        publish(plain)


def opened(remit, email: str) -> int:
    query = "SELECT count(*) FROM approvals_opening o JOIN accounts_user u ON u.id = o.user_id WHERE u.email = %s"
    with psycopg.connect(remit["database"]) as database:
        return database.execute(query, [email]).fetchone()[0]


def test_places_search_and_the_list_of_keys(person):
    ken = person("ken")
    page = ken.open("/approvals/")
    for key, path in (("h", "/"), ("t", "/traces/"), ("p", "/policies/"), ("a", "/approvals/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"{ken.base}{path}")
        page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.locator("input[data-key='/']")).to_be_focused()
    page.keyboard.type("g?")  # In a field they are letters.
    expect(page.locator("input[data-key='/']")).to_have_value("g?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("h")
    assert page.url == f"{ken.base}/approvals/", "an open dialog takes no single keys"
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    assert ken.complaints == []


def test_next_previous_snooze_and_ask_for_changes(person, letters):
    ken = person("ken")
    emptied(ken)
    for count in (2, 1):  # Two traces, so that their list has a next one.
        letters(count)
    page = ken.open("/approvals/")
    page.locator("[data-row]").first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    first = page.url
    with page.expect_navigation():
        page.keyboard.press("j")
    second = page.url
    assert second != first
    with page.expect_navigation():
        page.keyboard.press("k")
    assert page.url == first
    page.keyboard.press("h")
    sees(page, "Put aside until")
    page = ken.open(second.removeprefix(ken.base))
    page.wait_for_load_state()
    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("Which invoice is it about?")
    page.keyboard.press("Control+Enter")
    sees(page, "Sent back to")
    page = ken.open("/traces/")
    page.wait_for_load_state()
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(page.locator("[data-row]").nth(place)).to_be_focused()
    assert ken.complaints == []


def test_ticked_with_space_and_the_exceptions_of_a_trace(person, updates, remit):
    ken = person("ken")
    page = ken.open("/approvals/")
    page.wait_for_load_state()
    rows = page.locator("li:has(input[type=checkbox]) [data-row]")
    rows.nth(0).focus()
    for place in range(2):
        rows.nth(place).focus()
        page.keyboard.press("Space")
    assert page.locator("input[type=checkbox][name=id]:checked").count() == 2
    page.locator("#batch button").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    sees(page, "Review together")
    page.wait_for_load_state()
    with page.expect_navigation():
        page.keyboard.press("a")
    sees(page, "2 done")

    traces = ken.open("/traces/")
    traces.locator("[data-row]").first.focus()
    with traces.expect_navigation():
        traces.keyboard.press("Enter")
    traces.wait_for_load_state()
    assert re.search(r"/traces/trc_", traces.url)
    for key, place in (("]", 0), ("]", 1), ("[", 0)):
        traces.keyboard.press(key)
        expect(traces.locator("[data-exception]").nth(place)).to_be_focused()
    ken.context.grant_permissions(["clipboard-read", "clipboard-write"])
    traces.keyboard.press("c")
    expect(traces.locator("#live")).to_have_text("Copied.")
    assert traces.evaluate("navigator.clipboard.readText()") == traces.url
    assert ken.complaints == []


def test_on_a_phone_the_list_opens_nothing_and_one_is_approved(person, updates, remit):
    email, before = "priya@northwind.example", opened(remit, "priya@northwind.example")
    phone = person("priya", viewport={"width": 390, "height": 844})
    page = phone.open("/approvals/")
    page.wait_for_load_state("networkidle")
    assert opened(remit, email) == before, "the list is not the request"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and axe_problems(page) == []
    with page.expect_navigation():
        page.locator("[data-row]", has_text="account").first.click()  # Others may wait for more than one person.
    assert opened(remit, email) == before + 1
    page.click("button[value=approve]")
    sees(page, "Approved by Priya Nair")
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_response(lambda answer: "shown=" in answer.url and answer.status == 204):
        phone.open("/approvals/")
    assert opened(remit, email) == before + 2, "beside the list it is in sight"
    assert phone.complaints == []
