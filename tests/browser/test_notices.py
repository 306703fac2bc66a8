"""Notices in real Chromium: an owner makes a channel with the keyboard alone, every page is accessible and fits."""

from tests.browser.looks import each_look
from tests.browser.test_story import axe_problems, sees

PAGES = [
    "/notices/",
    "/notices/log/",
    "/notices/hosts/",
    "/notices/new/webhook/",
    "/notices/new/email/",
    "/me/notices/",
]


def test_an_owner_adds_a_channel_by_keyboard_and_reads_why_a_test_failed(person):
    dana = person("dana")
    page = dana.open("/notices/new/email/")
    page.focus("#id_name")
    page.keyboard.type("On call")
    page.keyboard.press("Tab")
    page.keyboard.type("priya@northwind.example")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    sees(page, "On call is saved.")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Send a test now").click()
    sees(page, "The test was not delivered. No mail server is named.")
    page.get_by_role("link", name="Its delivery log").click()
    sees(page, "No mail server is named. Set REMIT_MAIL_URL.")
    assert page.get_by_role("button", name="Send again").count() == 1 and axe_problems(page) == []
    assert dana.complaints == []


def test_pages_of_notices_are_accessible_and_fit(person):
    dana = person("dana")
    page = dana.page
    for path in PAGES:
        for width in each_look(page, f"{dana.base}{path}"):
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.locator("h1").count() == 1 and axe_problems(page) == [], path
    assert dana.complaints == []
