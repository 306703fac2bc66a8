"""Shutting an agent out in real Chromium: by keyboard alone, without scripts, on a phone (P9)."""

import pytest

from tests.browser.conftest import managed
from tests.browser.test_story import axe_problems, sees

PHONE = {"width": 390, "height": 844}
WHY = "It refunds what nobody asked for."


@pytest.fixture
def let_in_again(remit):
    """The agent of the sample is everybody's here."""
    yield
    managed(remit, "remit_agent", "northwind/refunds-agent", "--let-in", "The test is over, let it work again.")


def to(page, words: str) -> None:
    """Tab until what says this has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip() == words:
            return
    raise AssertionError(f"Tab does not come to {words}.")


def test_p9_an_agent_is_shut_out_by_keyboard(person, let_in_again):
    dana = person("dana")
    page = dana.open("/agents/")
    to(page, "refunds-agent")
    page.keyboard.press("Enter")
    sees(page, "What it may do")
    to(page, "Shut out…")
    page.keyboard.press("Enter")
    sees(page, "Every call of it is refused from now on.")
    assert axe_problems(page) == [] and page.locator(".nav [aria-current=page]").first.inner_text() == "Agents"
    page.focus("#id_reason")
    page.keyboard.type("short")
    page.keyboard.press("Control+Enter")
    assert page.url.endswith("/access/") and page.input_value("#id_reason") == "short", "Too short is not sent."
    page.focus("#id_reason")
    page.keyboard.press("Control+A")
    page.keyboard.type(WHY)
    to(page, "Shut out refunds-agent")
    page.keyboard.press("Enter")
    sees(page, "refunds-agent is shut out. Its next call is refused")
    to(page, "Let in again…")
    assert axe_problems(page) == []
    assert [each for each in dana.complaints if "status of 422" not in each] == []


def test_p9_an_agent_is_shut_out_without_scripts_on_a_phone(person, let_in_again):
    dana = person("dana", viewport=PHONE, java_script_enabled=False)
    page = dana.open("/agents/")
    page.click("a:has-text('refunds-agent')")
    page.click("a:has-text('Shut out…')")
    page.fill("#id_reason", WHY)
    page.click("button:has-text('Shut out refunds-agent')")
    sees(page, "refunds-agent is shut out. Its next call is refused")
