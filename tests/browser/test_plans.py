"""Plans and rollbacks in real Chromium: a bulk step with its canary, steps decided on one page, a rollback field by field."""

import pytest
from playwright.sync_api import expect

from remit_client import Remit
from tests.browser.test_story import axe_problems, comes_to_say, sees

TICKET = "desk.ticket.update"


@pytest.fixture
def agent(remit):
    made = Remit(remit["url"], token=remit["agent_token"])
    yield made
    made.close()


def opened(agent: Remit):
    return agent.open_trace(intent="Tell everyone whose parcel is late.", on_behalf_of="maya@northwind.example")


def note(number: int, text: str) -> dict:
    return {"ticket_id": str(number), "fields": {"note": text}}


def fits(page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe_problems(page) == []


@pytest.mark.parametrize(("theme", "width", "scripts"), [("light", 1440, True), ("dark", 390, False)])
def test_a_bulk_step_is_looked_at_let_run_and_undone_in_part(person, agent, theme, width, scripts):
    trace = opened(agent)
    text = f"Late, said on {theme}"
    plan = trace.submit(
        [{"title": "Note the late parcels", "tool": TICKET, "items": [note(90001 + n, text) for n in range(4)]}]
    )
    assert [action.state for action in plan.actions] == ["succeeded"] * 2 + ["authorized"] * 2
    priya = person("priya", color_scheme="dark", viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    page = priya.open(f"/traces/{trace.id}/")
    page.click("text=Open the plan >> visible=true")
    page.wait_for_url(f"**/plans/{plan.id}/")
    sees(page, "4 rows")
    if scripts:
        fits(page, width)
    page.click("button:has-text('Let the other 2 run')")
    sees(page, "2 more run now")
    assert [action.wait(timeout_s=30).state for action in plan.now().actions] == ["succeeded"] * 4
    page = priya.open(f"/plans/{plan.id}/")
    sees(page, "Every step succeeded.")
    page = priya.open(f"/traces/{trace.id}/roll-back/")
    if scripts:
        fits(page, width)
    boxes = page.locator("input[name=field]")
    assert boxes.count() == 4
    for place in range(1, 4):
        boxes.nth(place).uncheck()
    page.fill("#id_reason", "Only the last one was wrong.")
    expect(page.locator("[data-ticked]")).to_have_text("Restore 1 field" if scripts else "Undo what is ticked")
    page.click("[data-ticked]")
    sees(page, "This rolls back")
    comes_to_say(priya, f"/traces/{trace.id}/", "Rolled back")
    assert priya.complaints == []


def test_a_plan_that_was_rejected_is_resumed_from_its_page(person, agent):
    trace = opened(agent)
    refund = {"order_id": "48377", "charge_id": "ch_3PqRb1", "amount": 11000, "currency": "USD", "reason": "duplicate"}
    plan = trace.submit(
        [
            {"title": "Note it", "tool": TICKET, "arguments": note(90010, "Refund asked")},
            {"title": "Refund", "tool": "desk.refund.create", "arguments": refund},
        ]
    )
    priya = person("priya", color_scheme="dark", viewport={"width": 390, "height": 844})
    page = priya.open(f"/plans/{plan.id}/")
    fits(page, 390)
    page.click("a:has-text('Review') >> visible=true")  # What is only compensated is not decided beside others.
    page.fill("#reason", "Not this one.")
    page.click("button[value=reject]")
    sees(page, "Rejected by Priya Nair")
    page.goto(f"{priya.base}/plans/{plan.id}/")
    sees(page, "Done until it stopped")
    fits(page, 390)
    page.click("button:has-text('Resume from step 2')")
    sees(page, "Resumed as a new plan.")
    sees(page, "Review")
    page.goto(f"{priya.base}/plans/{plan.id}/")
    page.click("text=Undo what was done…")
    sees(page, "Why are you rolling this back?")
    fits(page, 390)
    assert priya.complaints == []
