"""What somebody opened stands in the address; exceptions are reached by visible buttons and by keys, in real Chromium."""

import json

import pytest

from tests.browser.test_show_work import MAYA, rest
from tests.browser.test_story import axe_problems

CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
# What a printed page must not have.
CHROME = ".bar, .phone, .bottom-bar, nav.tabs, button, main form, #export"


@pytest.fixture(scope="module")
def trace(remit) -> str:
    """Three reads that ended, and a refund that waits."""
    made = rest(remit, "traces", {"intent": "Refund the duplicate charge.", **MAYA})["trace_id"]
    for _ in range(3):
        rest(remit, "tool-calls", {"trace_id": made, "tool": "desk.order.get", "arguments": {"order_id": "48213"}})
    rest(remit, "tool-calls", {"trace_id": made, "tool": "desk.refund.create", "arguments": REFUND})
    return made


# Of an amount of its own: the same call is another test's, which may wait.
REFUND = {"order_id": "48213", "charge_id": "ch_3PqRa2", "amount": 23990, "currency": "USD", "reason": "duplicate"}


def test_an_opened_row_goes_into_the_address_and_a_pasted_link_shows_it(person, trace):
    priya = person("priya")
    page = priya.open(f"/traces/{trace}/?tab=calls")
    page.click("#call-2 summary")
    page.wait_for_url(lambda url: url.endswith("open=call-2"))
    page.click("#call-3 summary")
    page.wait_for_url(lambda url: url.endswith("tab=calls&open=call-2,call-3"))
    pasted = person("ken").open(page.url.removeprefix(priya.base))
    assert [pasted.locator(f"#call-{n}").get_attribute("open") is not None for n in (1, 2, 3)] == [False, True, True]
    page.click("#call-2 summary")
    page.wait_for_url(lambda url: url.endswith("tab=calls&open=call-3"))
    page.click("#call-3 summary")
    page.wait_for_url(lambda url: url.endswith("tab=calls"))
    page.click("nav.tabs >> text=Events")
    page.wait_for_url("**tab=events")
    page.click("#entry-2 summary")
    page.wait_for_url(lambda url: url.endswith("open=entry-2"))
    assert priya.complaints == []


def test_exceptions_are_reached_by_button_and_by_key(person, trace):
    priya = person("priya")
    page = priya.open(f"/traces/{trace}/")
    places = page.locator("[data-exception]")
    assert places.count() >= 1 and axe_problems(page) == []
    page.click("text=Next exception")
    assert page.evaluate("document.activeElement === document.querySelectorAll('[data-exception]')[0]")
    page.keyboard.press("]")
    last = page.evaluate("[...document.querySelectorAll('[data-exception]')].indexOf(document.activeElement)")
    assert last == min(1, places.count() - 1)
    page.click("text=Previous exception")
    assert page.evaluate("document.activeElement === document.querySelectorAll('[data-exception]')[0]")
    assert priya.complaints == []


def test_the_copied_link_opens_the_same_tab_filters_and_row(person, trace):
    priya = person("priya", **CLIPBOARD)
    page = priya.open(f"/traces/{trace}/?checks=all")
    page.click("nav.tabs >> text=Policy checks")
    page.click("text=/Show \\d+ passed/")
    page.wait_for_url("**checks=all**")
    page.click("nav.tabs >> text=Tool calls")
    page.click("#call-3 summary")
    page.wait_for_url(lambda url: url.endswith("tab=calls&open=call-3"))
    page.click("text=Copy link")
    page.locator("#live:has-text('Copied.')").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    ken = person("ken")
    pasted = ken.open(copied.removeprefix(priya.base))
    assert pasted.locator("nav.tabs a[aria-current]").inner_text().startswith("Tool calls")
    opened = [pasted.locator(f"#call-{n}").get_attribute("open") is not None for n in (1, 2, 3)]
    assert opened == [False, False, True] and priya.complaints == ken.complaints == []


def test_the_raw_view_is_every_record_as_hashed(person, trace):
    page = person("ken").open(f"/traces/{trace}/")
    count = int(page.locator("nav.tabs a:has-text('Events') b").inner_text())
    page.click("text=Raw records")
    page.wait_for_url("**/raw/")
    records = [json.loads(line) for line in page.locator("pre").inner_text().splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1)) and len(records) >= count


def test_a_printed_page_has_no_chrome_and_nothing_folded_in_any_theme(person, trace):
    page = person("ken", color_scheme="dark").open(f"/traces/{trace}/")
    folded = page.locator("#call-2 .parts")
    assert not folded.is_visible() and page.locator(".bar").is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(f"[...document.querySelectorAll('{CHROME}')].filter((e) => e.checkVisibility()).length") == 0
    assert folded.is_visible() and page.locator("#call-2").get_attribute("open") is None
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(26, 29, 35)"
    page.emulate_media(media="screen")
    page.click("text=Page for printing")
    page.wait_for_url("**show=all**")
    assert (
        page.locator("details.call:not([open])").count() == 0
        and page.locator("#sentences").get_attribute("open") is not None
    )
