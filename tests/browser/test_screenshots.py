"""Makes pictures of every page (`make screenshots`): in both themes and at both widths, each held to what a page must hold."""

import re
from pathlib import Path

import pytest

from tests.browser import tour, walk
from tests.browser.conftest import ROOT
from tests.browser.test_story import axe_problems, review, trace_path

# All of them, to be looked at and not kept; the few that the documentation shows stand in the repository.
ALL = Path(ROOT) / ".remit" / "screenshots"
SHOWN = Path(ROOT) / "docs" / "screenshots"
THEMES, SIZES = ("light", "dark"), ({"width": 1440, "height": 900}, {"width": 390, "height": 844})
# Pages that are none of their own address: an empty day, what is not there, what one may not see.
MORE = {
    "nothing-needs-you": tour.Stop("ava", "/"), "refused": tour.Stop("maya", "/audit/"), "absent": tour.Stop("ken", "/nowhere/"),
    "no-matches": tour.Stop("ken", "/traces/?outcome=failed&tool=desk.account.get"),
}  # fmt: skip
pytestmark = [pytest.mark.screenshots, pytest.mark.timeout(3600)]


def test_pictures_of_every_page(person, remit, demo, tmp_path):
    """Loud: any console error, CSP report, overflow or axe finding of any picture fails, once all are made."""
    world = tour.World(remit, person, tmp_path)
    trace = trace_path(demo)
    stops = world.stops(trace)
    assert tour.PAGES - set(stops) == set()
    tabs = {f"traces:detail-{tab}": tour.Stop("ken", f"{trace}?tab={tab}") for tab in tour.TABS}
    ALL.mkdir(parents=True, exist_ok=True)
    for old in ALL.glob("*.png"):
        old.unlink()
    found = {}
    for name, stop in sorted((stops | tabs | world.shown() | MORE).items()):
        found[name] = _pictures(world, stop, re.sub(r"\W+", "-", name))
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert [each for each in world.complaints() if not re.search(r"\((403|404)\)|status of 40[34]", each)] == []


def _pictures(world, stop: tour.Stop, name: str) -> list[str]:
    """Four pictures of a page, and what is wrong in any."""
    problems = []
    for size in SIZES:
        page = world.open(stop, size)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # Else a colour is on its way.
            page.screenshot(path=ALL / f"{name}-{theme}-{size['width']}.png", full_page=True)
            problems += [
                f"{theme} {size['width']}: {each}" for each in page.evaluate(walk.TOO_WIDE) + axe_problems(page)
            ]
        page.emulate_media(color_scheme="light")
    return problems


def test_pictures_of_the_documentation(person, demo):
    SHOWN.mkdir(parents=True, exist_ok=True)
    trace = trace_path(demo)
    priya, tomas, maya = person("priya"), person("tomas"), person("maya")
    priya.open("/").screenshot(path=SHOWN / "home.png")
    review(priya.page, trace, "Refund $240.00 on order 48213")
    priya.page.screenshot(path=SHOWN / "approval.png")
    priya.page.click("button[value=approve]")
    review(tomas.page, trace, "Refund $240.00 on order 48213")
    tomas.page.fill("#reason", "Duplicate confirmed.")
    tomas.page.click("button[value=approve]")
    review(maya.page, trace, "Email the customer")
    maya.page.click("a:has-text('Edit')")
    text = maya.page.input_value("textarea")
    maya.page.fill("textarea", text.replace("We guarantee this won't happen again.", "We are sorry for the trouble."))
    maya.page.click("text=Save edits")
    maya.page.screenshot(path=SHOWN / "draft.png")
    maya.page.click("button[value=approve]")
    maya.page.click("button[data-armed]:enabled")
    demo.communicate(timeout=120)
    priya.open(trace).screenshot(path=SHOWN / "trace.png")
    for name, context in (
        ("trace-dark", {"color_scheme": "dark"}),
        ("trace-phone", {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}),
    ):
        person("priya", **context).open(trace).screenshot(path=SHOWN / f"{name}.png")
    priya.open(f"{trace}roll-back/").screenshot(path=SHOWN / "rollback.png")
    ken = person("ken")
    ken.open("/policies/support/").click("button:has-text('Edit')")
    ken.page.wait_for_url("**/tiers/**")
    ken.open("/policies/support/tiers/?cell=refunds/desk.account.update")
    ken.page.select_option("select[name=mode]", "approval")
    ken.page.select_option("select[name=route]", "account")
    ken.page.click("text=Save tier")
    ken.page.wait_for_selector("text=past actions would change")
    ken.open("/policies/support/tiers/").screenshot(path=SHOWN / "policy.png")
    assert [each.complaints for each in (priya, tomas, maya, ken)] == [[], [], [], []]
