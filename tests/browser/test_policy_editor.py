"""The policy editor in real Chromium: the grid by keyboard, two people at one cell, everything without scripts, both themes."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import each_look
from tests.browser.test_story import axe_problems, sees, trace_path

EDITOR = "/policies/support/tiers/"
CELL = "#cell-refunds-desk_{}"


@pytest.fixture
def draft(person):
    """Ken with an open draft of the sample policy, discarded afterwards: other tests read what is live."""
    ken = person("ken")
    ken.open("/policies/support/")
    ken.page.click("button:has-text('Edit')")
    ken.page.wait_for_url(f"**{EDITOR}")
    yield ken
    ken.open(EDITOR)
    ken.page.click("button:has-text('Discard draft')")
    ken.page.wait_for_selector("button:has-text('Discard '):enabled[data-armed]")
    ken.page.click("button[data-armed]")
    sees(ken.page, "Draft discarded.")


def focused(page) -> str:
    return page.evaluate("document.activeElement.id")


def press(page, key: str) -> None:
    """A key that saves: waits until the page says so."""
    page.evaluate("document.querySelector('#live').textContent = ''")
    page.keyboard.press(key)
    page.wait_for_selector("#live:has-text('Saved.')", state="attached")


def test_the_matrix_is_one_tab_stop_that_arrows_move_in_and_digits_set(draft):
    page = draft.page
    cells = page.locator("[data-grid] .cell")
    assert cells.evaluate_all("all => all.filter(cell => cell.tabIndex === 0).length") == 1
    column = page.locator("[data-role=refunds]").evaluate_all("all => all.map(cell => cell.id)")
    page.focus(f"#{column[0]}")
    for key, found in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("ArrowUp", 0), ("ArrowUp", 0)):
        page.keyboard.press(key)
        assert focused(page) == column[found], "Moves down and up, and stays at the edge."
    assert cells.evaluate_all("all => all.filter(cell => cell.tabIndex === 0).map(cell => cell.id)") == [column[0]]
    page.focus(CELL.format("account_get"))
    for key, label in (("0", "Off, was Auto"), ("1", "Read, was Auto"), ("2", "Draft, was Auto"), ("4", "Auto")):
        press(page, key)
        assert page.get_attribute(CELL.format("account_get"), "aria-label") == f"Refunds, desk.account.get: {label}"
        assert focused(page) == "cell-refunds-desk_account_get"
    page.focus(CELL.format("refund_create"))
    press(page, "3")
    assert "Approval ×2, was Auto" in page.get_attribute(CELL.format("refund_create"), "aria-label")
    page.keyboard.press("1")
    expect(page.locator("#live")).to_have_text("Read is for tools that only read. Press 0, 2, 3 or 4.")
    page.keyboard.press("Enter")
    page.wait_for_url("**?cell=refunds/desk.refund.create*")
    page.wait_for_selector("#id_mode:focus")
    assert "may write with" in page.inner_text("#cell h2") and axe_problems(page) == []
    assert draft.complaints == []


# The impact preview asks again every two seconds while it replays; here it asks when the test wants it to.
POLL = """() => new Promise((settled) => {
  document.addEventListener("htmx:afterSettle", () => setTimeout(settled), { once: true });
  const impact = document.querySelector("#impact");
  impact.dataset.poll = "";
  htmx.ajax("GET", "/policies/support/impact/", { source: impact, target: impact, swap: "outerHTML" });
})"""


def test_a_poll_that_comes_while_a_tier_is_on_its_way_does_not_say_that_it_is_saved(draft):
    page, held = draft.page, []
    page.route(re.compile("/tiers/set/"), lambda route: held.append(route))
    page.focus(CELL.format("account_get"))
    page.keyboard.press("0")
    page.evaluate(POLL)
    assert "Saved" not in page.locator("#live").text_content()
    held[0].continue_()
    expect(page.locator("#live")).to_have_text("Refunds, desk.account.get: Off, was Auto. Saved.")
    assert focused(page) == "cell-refunds-desk_account_get"


def test_the_picture_of_a_cell_is_the_same_for_whoever_opens_its_address(draft, person):
    page = draft.page
    page.click(CELL.format("account_update"))
    page.wait_for_url("**?cell=refunds/desk.account.update*")
    page.wait_for_selector("#cell label:has-text('owner_note')")  # The address changes before the page does.
    before = page.locator("#cell li").count()
    page.click("#cell label:has-text('owner_note')")
    page.wait_for_selector("#cell li:has-text('owner_note') del")
    expect(page.locator("#cell li")).to_have_count(before)
    expect(page.locator("nav.tabs")).to_contain_text(re.compile(r"Fields\s*1 changed"))
    ava = person("ava")
    seen = ava.open(page.url.removeprefix(draft.base))
    assert "removed" in seen.inner_text("#cell") and seen.locator("main form[method=post]").count() == 0
    page.go_back()
    page.wait_for_selector("[data-grid]:not(:has([aria-current]))")
    expect(page).to_have_url(re.compile(f"{EDITOR}$"))
    assert [draft.complaints, ava.complaints] == [[], []]


def test_two_people_at_one_cell_are_both_asked(draft, person):
    page, nia = draft.page, person("nia")
    theirs = nia.open(f"{EDITOR}?cell=refunds/desk.mail.send")
    draft.open(f"{EDITOR}?cell=refunds/desk.mail.send")
    page.select_option("#id_mode", "approval")
    page.select_option("#id_route", "refund")
    page.click("text=Save tier")
    page.wait_for_selector(f"{CELL.format('mail_send')}[data-changed]")
    theirs.select_option("#id_mode", "off")
    theirs.click("text=Save tier")
    sees(theirs, "Theirs: Approval ×2. Yours: Off.")
    assert (
        theirs.input_value("#id_mode") == "off"
        and theirs.evaluate("document.activeElement.getAttribute('role')") == "alert"
    )
    assert axe_problems(theirs) == []
    theirs.click("text=Save tier")
    theirs.wait_for_selector(f"{CELL.format('mail_send')}[data-level=off]")
    assert [draft.complaints, [text for text in nia.complaints if "409" not in text]] == [[], []]


def test_the_panel_follows_a_replay_and_leads_to_the_actions(draft, demo):
    trace = trace_path(demo)
    page = draft.open(trace)
    sees(page, "Waiting for")  # The plan was decided, so there is a past to replay.
    draft.open(EDITOR)
    page.focus(CELL.format("refund_create"))
    press(page, "0")
    sees(page, "past actions would change")
    page.wait_for_selector("#impact:not([data-stale]):not([data-poll])", timeout=30_000)
    page.click("#impact a:has-text('See actions') >> nth=0")
    sees(page, "All groups")
    assert page.locator("a:has-text('Show work')").count() and axe_problems(page) == []


def test_a_policy_is_made_and_published_on_a_phone_without_scripts(person):
    phone = {"java_script_enabled": False, "viewport": {"width": 390, "height": 844}}
    ken, nia = person("ken", **phone), person("nia", **phone)
    page = ken.open("/policies/")
    page.click("summary:has-text('New policy')")
    page.fill("#id_name", "Night desk")
    page.fill("#id_slug", "night-desk")
    page.click("text=Make policy")
    page.click("summary:has-text('Add role')")
    page.fill("#id_role", "reader")
    page.select_option("#id_tier", "read-only")
    page.click("button:has-text('Add role')")
    page.click("#cell-reader-desk_account_get")
    page.select_option("#id_mode", "auto")
    page.click("text=Save tier")
    page.click("#cell label:has-text('owner_note')")
    page.click("text=Save fields")
    page.click("text=Review and publish…")
    sees(page, "First version")
    assert "Nia Okafor" in page.inner_text("main")
    page.fill("#id_message", "Read accounts at night.")
    page.fill("#id_reason", "The night desk needs to look things up.")
    page.click("text=Ask to publish v1")
    sees(page, "You asked to publish this.")
    page = nia.open("/policies/night-desk/publish/")
    page.click("text=Agree and publish v1")
    sees(page, "v1 is live.")
    assert "agreed by Nia Okafor" in page.inner_text("main")


PAGES = [
    "tiers/?cell=refunds/desk.account.update", "tiers/?show=changed", "fields/", "rows/", "rows/refunds/desk.account/",
    "rows/refunds/desk.account/?view=cel", "invariants/", "invariants/new/", "limits/", "limits/edit/refund.auto/",
    "freezes/", "freezes/new/", "breakers/", "breakers/edit/refund.failures/", "steps/", "steps/edit/refund/", "gate/",
    "roles/refunds/", "versions/", "versions/1..draft/", "versions/1/", "publish/", "shadow/", "suggestions/", "document/",
]  # fmt: skip


# A card cuts off what does not fit, so the page itself does not grow wider by it.
CUT_OFF = """() => [...document.querySelectorAll(".card :is(input:not([type=hidden]), select, textarea, button)")].filter(
  (one) => one.checkVisibility() && one.getBoundingClientRect().right > one.closest(".card").getBoundingClientRect().right
).map((one) => one.name || one.innerText)"""


@pytest.mark.timeout(600)
def test_every_policy_page_is_accessible_and_fits(draft):
    page = draft.page
    page.focus(CELL.format("refund_create"))
    press(page, "0")
    for path in PAGES:
        for width in each_look(page, f"{draft.base}/policies/support/{path}"):
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(CUT_OFF) == [], path
            assert page.locator("h1").count() == 1, path
            assert axe_problems(page) == [], path
    assert draft.complaints == []
