"""Makes the pictures of docs/screenshots (`make screenshots`)."""

from pathlib import Path

import pytest

from tests.browser.test_story import review, trace_path

OUT = Path(__file__).parents[2] / "docs" / "screenshots"
pytestmark = pytest.mark.screenshots


def test_pictures(person, demo):
    OUT.mkdir(parents=True, exist_ok=True)
    trace = trace_path(demo)
    priya, tomas, maya = person("priya"), person("tomas"), person("maya")
    priya.open("/").screenshot(path=OUT / "home.png")
    review(priya.page, trace, "Refund $240.00 on order 48213")
    priya.page.screenshot(path=OUT / "approval.png")
    priya.page.click("button[value=approve]")
    review(tomas.page, trace, "Refund $240.00 on order 48213")
    tomas.page.fill("#reason", "Duplicate confirmed.")
    tomas.page.click("button[value=approve]")
    review(maya.page, trace, "Email the customer")
    maya.page.click("a:has-text('Edit')")
    text = maya.page.input_value("textarea")
    maya.page.fill("textarea", text.replace("We guarantee this won't happen again.", "We are sorry for the trouble."))
    maya.page.click("text=Save edits")
    maya.page.screenshot(path=OUT / "draft.png")
    maya.page.click("button[value=approve]")
    maya.page.wait_for_timeout(900)
    maya.page.click("button[value=approve]")
    demo.communicate(timeout=60)
    priya.open(trace).screenshot(path=OUT / "trace.png")
    priya.page.screenshot(path=OUT / "trace-full.png", full_page=True)
    for name, context in (
        ("trace-dark", {"color_scheme": "dark"}),
        ("trace-phone", {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}),
    ):
        person("priya", **context).open(trace).screenshot(path=OUT / f"{name}.png")
    priya.open(f"{trace}roll-back/").screenshot(path=OUT / "rollback.png")
    ken = person("ken")
    ken.open("/policies/support/").click("button:has-text('Edit')")
    ken.page.wait_for_url("**/tiers/**")
    ken.open("/policies/support/tiers/?cell=refunds/desk.account.update")
    ken.page.select_option("select[name=mode]", "approval")
    ken.page.select_option("select[name=route]", "account")
    ken.page.click("text=Save tier")
    ken.page.wait_for_selector("text=past actions would change")
    ken.open("/policies/support/tiers/").screenshot(path=OUT / "policy.png")
