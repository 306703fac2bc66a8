"""The whole story in real Chromium, with the sample agent as a separate process: refund, refusal, edit, rollback."""

import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.browser.looks import each_look

# Of each rule only what breaks it is brought here: what holds is most of an answer, of every element of the page.
AXE = "async () => (await axe.run({resultTypes: ['violations']})).violations"


def axe_problems(page) -> list[str]:
    """A page that was not left since it was last looked at has axe already: half a megabyte of script."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return [f"{rule['id']}: {node['html'][:160]}" for rule in page.evaluate(AXE) for node in rule["nodes"]]


def trace_path(demo) -> str:
    line = demo.stdout.readline()
    return re.search(r"/traces/trc_\w+/", line)[0]


def sees(page, words: str) -> None:
    """Waits until the page says so: a click does not wait for the page it leads to."""
    page.locator("main").get_by_text(words).first.wait_for()


def comes_to_say(person, path: str, words: str) -> None:
    """Opens the page again until it says so: a worker may still be at it."""
    for _ in range(30):
        if person.open(path).locator("main").get_by_text(words).count():
            return
        person.page.wait_for_timeout(1000)
    raise AssertionError(f"{path} never says: {words}")


def review(page, trace: str, title: str) -> None:
    """From the queue to the request of this trace."""
    queue = f"{page.url.split('/', 3)[0]}//{page.url.split('/', 3)[2]}/approvals/"
    page.click("nav[aria-label=Main] >> visible=true >> text=Approvals")
    page.wait_for_url(queue)
    addresses = page.locator(f".queue li a:has-text('{title}')").evaluate_all("links => links.map(link => link.href)")
    for address in addresses:
        page.goto(address)
        if page.locator(f"a[href='{trace}']").count():
            return
    raise AssertionError(f"{title} is not in the queue.")


def test_whole_story(person, demo):
    trace = trace_path(demo)
    priya, tomas, maya = person("priya"), person("tomas"), person("maya", color_scheme="dark")

    review(priya.page, trace, "Refund $240.00 on order 48213")
    assert priya.page.locator("text=Support lead").first.is_visible()
    assert axe_problems(priya.page) == []
    priya.page.click("button[value=approve]")
    sees(priya.page, "You approved step 1. Waiting for Finance.")

    review(tomas.page, trace, "Refund $240.00 on order 48213")
    tomas.page.fill("#reason", "Duplicate confirmed.")
    tomas.page.click("button[value=approve]")
    sees(tomas.page, "Approved by Tomás Ruiz")

    review(maya.page, trace, "Email the customer")
    maya.page.keyboard.press("e")
    maya.page.wait_for_selector("textarea")
    text = maya.page.input_value("textarea")
    assert axe_problems(maya.page) == []
    maya.page.fill("textarea", text.replace("We guarantee this won't happen again.", "We are sorry for the trouble."))
    maya.page.click("text=Save edits")
    sees(maya.page, "Edits saved.")
    assert maya.page.locator("ins").count() and maya.page.locator("del").count()
    assert axe_problems(maya.page) == []
    send = maya.page.locator("button[value=approve]")
    assert "Send with 1 edit" in send.inner_text()
    send.click()  # Irreversible: the first press arms, the second sends.
    maya.page.wait_for_selector("button[value=approve]:has-text('Send to 1 person'):enabled")
    maya.page.wait_for_timeout(700)
    send.click()
    maya.page.wait_for_selector("text=Sent.")

    told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0 and "Finished" in told and "refused fields: credit_limit" in told

    page = priya.open(trace)
    title = "Refunded $240.00 on order 48213, updated 2 account fields and emailed the customer"
    assert page.inner_text("h1") == title
    main = page.inner_text("main")
    for words in (
        "Maya Chen",
        "Policy Support v1",
        "3 records in 1 system",
        "1 field blocked",
        "12000.00 denied",
        "Verified",
    ):
        assert words in main, words
    assert "ap@birch.example" not in main
    assert axe_problems(page) == []
    page.click("nav.tabs >> text=Tool calls")
    page.wait_for_url("**?tab=calls")
    page.click("details.call summary >> nth=1")
    expect(page.locator("main")).to_contain_text("Idempotency", use_inner_text=True)
    assert axe_problems(page) == []

    page = priya.open(trace)
    page.click("text=Roll back… >> visible=true")
    sees(page, "Why are you rolling this back?")
    assert "billing question" in page.inner_text("main") and axe_problems(page) == []
    page.fill("#id_reason", "Wrong customer.")
    page.click("button:has-text('Restore 2 fields')")
    sees(page, "This rolls back")
    comes_to_say(priya, trace, "Rolled back")
    assert [each.complaints for each in (priya, tomas, maya)] == [[], [], []]


PAGES = ["/", "/approvals/", "/approvals/?show=team", "/approvals/?show=decided", "/traces/", "/traces/?outcome=failed",
         "/incident/", "/policies/", "/policies/support/", "/search/?q=refund", "/me/notices/", "/me/away/"]  # fmt: skip


@pytest.mark.looks
@pytest.mark.timeout(600)
def test_every_page_is_accessible_and_fits(person):
    ken = person("ken")
    page = ken.page
    for path in PAGES:
        for width in each_look(page, f"{ken.base}{path}"):
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.locator("h1").count() == 1, path
            assert axe_problems(page) == [], path
    assert ken.complaints == []


def test_every_page_works_without_javascript(person, demo):
    trace = trace_path(demo)
    priya = person("priya", java_script_enabled=False, viewport={"width": 390, "height": 844})
    for path in [*PAGES, trace, f"{trace}?tab=changes", f"{trace}?tab=checks&checks=all", f"{trace}?tab=calls",
                 f"{trace}?tab=approvals", f"{trace}?tab=events"]:  # fmt: skip
        page = priya.open(path)
        assert page.locator("h1").count() == 1, path
    page = priya.open("/")
    page.click("summary >> nth=0")
    page.click(".phone nav >> text=Approvals")
    page.wait_for_url("**/approvals/")
    page.click(".queue li a:has-text('Refund $240.00') >> nth=-1")
    page.wait_for_url("**/approvals/apr_*/")
    page.fill("#reason", "Not this time.")
    page.click("button[value=reject]")
    sees(page, "Rejected by Priya Nair")


def test_rejecting_without_a_reason_keeps_the_page_and_says_what_to_do(person, demo):
    trace = trace_path(demo)
    priya = person("priya")
    review(priya.page, trace, "Refund $240.00 on order 48213")
    priya.page.click("button[value=reject]")
    sees(priya.page, "Write a reason.")
    expect(priya.page.locator("button[value=approve]")).to_be_visible()


def test_reviewer_works_by_keyboard_alone(person, demo):
    trace_path(demo)
    ken = person("ken")
    ken.page.keyboard.press("g")
    ken.page.keyboard.press("a")
    ken.page.wait_for_url("**/approvals/")
    ken.page.locator(".queue li a").last.focus()
    ken.page.keyboard.press("Enter")
    ken.page.wait_for_url("**/approvals/apr_*/")
    ken.page.keyboard.press("Tab")
    ken.page.focus("#reason")
    ken.page.keyboard.type("Looks right.")
    ken.page.keyboard.press("Escape")
    ken.page.keyboard.press("a")
    ken.page.wait_for_selector(".note:has-text('Approved.'), .note:has-text('Waiting for'), button:has-text('Send to')")
