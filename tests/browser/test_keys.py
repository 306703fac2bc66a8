"""Single keys of the console in real Chromium: places, search, the list of keys, next and previous, snooze, ask for changes."""

from playwright.sync_api import expect

from tests.browser.test_queue import emptied, letters
from tests.browser.test_story import sees

__all__ = ["letters"]


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
