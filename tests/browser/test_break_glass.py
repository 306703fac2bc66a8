"""Break glass in real Chromium: the page, the review owed on Home, and the words of escalation; both themes, phone and desk."""

import re

import pytest

from tests.browser.looks import LOOKS
from tests.browser.test_story import axe_problems, sees, trace_path

TITLE = "Refund $240.00 on order 48213"
REASON = "The customer's shop is closed until this is paid back."


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_an_emergency_from_the_link_to_the_confirmed_review(person, demo, theme, width, tmp_path):
    trace = trace_path(demo)
    look = {"color_scheme": theme, "viewport": {"width": width, "height": 900}}
    sam, nia = person("sam", color_scheme=theme), person("nia", **look)
    review_as(sam, trace)
    page = sam.page
    page.set_viewport_size(look["viewport"])
    assert re.search(r"Escalates to Managers at (\d+ \w+ )?\d\d:\d\d UTC", page.inner_text("main"))
    assert axe_problems(page) == []
    page.click("text=Break glass…")
    page.wait_for_url("**/break-glass/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width and axe_problems(page) == []
    page.screenshot(path=tmp_path / f"break-glass-{theme}.png", full_page=True)
    page.fill("#id_reason", REASON)
    page.keyboard.press("Control+Enter")
    sees(page, "Say that you will write the review.")
    assert axe_problems(page) == []
    page.check("#id_promised")
    page.click("button:has-text('Run now without Support lead and Finance')")
    sees(page, "Run without Support lead and Finance by Sam Boye")

    page = sam.open("/")
    page.locator("li", has_text=f"Emergency: {TITLE}").first.get_by_role("link").click()
    page.wait_for_url("**/break-glass/review/")
    assert axe_problems(page) == []
    page.fill("#id_text", "The bank had sent it twice; I would do it again.")
    page.click("text=Send the review")
    sees(page, "Somebody else of Managers confirms it.")
    address = page.url.replace(sam.base, "")

    page = nia.open(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width and axe_problems(page) == []
    page.check("text=It could not wait")
    page.fill("#id_note", "I read the bank's letter and the order.")
    page.click("text=Confirm and resolve")
    sees(page, "Nia Okafor: it could not wait")
    assert "Ran it without Support lead and Finance" in nia.open(trace).inner_text("main")
    # The one refusal above is the browser's to note; nothing else is.
    assert [line for line in sam.complaints if "422" not in line] == nia.complaints == []


def review_as(who, trace: str) -> None:
    """The request as somebody who may not decide it yet: it is in the team's queue."""
    page = who.open("/approvals/?show=team")
    addresses = page.locator(f".queue li a:has-text('{TITLE}')").evaluate_all("links => links.map(link => link.href)")
    for address in addresses:
        page.goto(address)
        if page.locator(f"a[href='{trace}']").count():
            return
    raise AssertionError("The request is not in the team's queue.")


def test_it_works_without_javascript_and_is_not_offered_to_others(person, demo):
    trace = trace_path(demo)
    priya, sam = person("priya"), person("sam", java_script_enabled=False)
    review_as(priya, trace)
    assert priya.page.locator("text=Break glass…").count() == 0
    review_as(sam, trace)
    sam.page.click("text=Break glass…")
    sam.page.fill("#id_reason", REASON)
    sam.page.check("#id_promised")
    sam.page.click("button:has-text('Run now without')")
    sees(sam.page, "Run without Support lead and Finance by Sam Boye")
