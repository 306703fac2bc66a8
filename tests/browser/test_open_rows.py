"""What somebody opened stands in the address; exceptions are reached by visible buttons and by keys, in real Chromium."""

import pytest

from tests.browser.test_show_work import MAYA, rest
from tests.browser.test_story import axe_problems


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
