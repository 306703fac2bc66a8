"""Every page there is: both themes, narrow, zoomed, in forced colours, at rest, by keyboard and without scripts (WCAG 2.2 AA)."""

import pytest

from tests.browser import tour, walk
from tests.browser.test_story import axe_problems, trace_path

# 320 px is also what a window of 1280 px is at 400 %; 640 px is what it is at 200 %.
NARROW, ZOOMED, WHOLE = {"width": 320, "height": 700}, {"width": 640, "height": 450}, {"width": 1280, "height": 800}
INSIDE = 60
# Where a person's own colours are put through axe as well: one of each kind of page.
PERSONAL = ["console:home", "traces:list", "traces:detail", "approvals:review", "actions:plan", "policies:tiers"]


def test_the_search_for_problems_finds_one_each_time(chromium):
    page = chromium.new_page()
    page.set_content("<html lang=en><title>One</title><main><h1>One</h1><img src=one.png></main>")
    for _ in range(2):
        (found,) = axe_problems(page)
        assert found.startswith("image-alt: <img")
    page.set_content("<html lang=en><title>None</title><main><h1>None</h1></main>")
    assert axe_problems(page) == []
    page.close()


@pytest.mark.looks
@pytest.mark.timeout(1500)
def test_every_page_holds_however_it_is_looked_at(person, chromium, remit, demo, tmp_path):
    """A new page that this world has nothing on fails here: it is not looked at until something shows it."""
    world = tour.World(remit, person, tmp_path)
    stops = world.stops(trace_path(demo))
    assert tour.PAGES - set(stops) == set()
    found = {name: _looked_at(world, stop, name) for name, stop in stops.items()}
    for name, buttons in _dead(chromium, world, stops).items():
        found[name] |= {"without scripts": buttons}
    for name, stop in stops.items():
        found[name] |= _pressed_through(world.open(stop, WHOLE))
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert world.complaints() == []


def _looked_at(world, stop, name: str) -> dict[str, list[str]]:
    """What is wrong with a page, by how it was looked at. It is opened once; the window and the media change around it."""
    page = world.open(stop, WHOLE)
    found = {"h1": [] if page.locator("h1").count() == 1 else ["not one"], "axe in light": axe_problems(page)}
    # At rest from here on: a colour that is on its way to another has any contrast.
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.set_viewport_size(NARROW)
    found["axe in dark"] = axe_problems(page)
    found |= {"320 px": page.evaluate(walk.TOO_WIDE), "labels": page.evaluate(walk.LABELS)}
    found["too small for a finger"] = page.evaluate(walk.SMALL)
    page.emulate_media(forced_colors="active")
    found |= {"borders": page.evaluate(walk.BORDERLESS), "motion": page.evaluate(walk.MOVING)}
    if name in PERSONAL:
        found["axe in forced colours"] = axe_problems(page)
    page.emulate_media(forced_colors="none", color_scheme="light")
    page.set_viewport_size(ZOOMED)
    found |= {"200 %": page.evaluate(walk.TOO_WIDE), "focus at 200 %": page.evaluate(walk.UNSEEN)}
    return {how: problems for how, problems in found.items() if problems}


def _dead(chromium, world, stops) -> dict[str, list[str]]:
    """What is wrong with pages without scripts, by view: not one title, or buttons that only a script would hear."""
    dead = {}
    for first in {stop.first for stop in stops.values()}:
        who = world.who(first)
        state = who.context.storage_state()
        context = chromium.new_context(java_script_enabled=False, storage_state=state, viewport=NARROW)
        page = context.new_page()
        for name, stop in stops.items():
            if stop.first == first:
                page.goto(f"{who.base}{stop.path}")
                dead[name] = page.evaluate(walk.DEAD) + ([] if page.locator("h1").count() == 1 else ["no title"])
        context.close()
    # What the gallery shows are pictures of buttons, and work nowhere.
    return {name: buttons for name, buttons in dead.items() if buttons and name != "console:gallery"}


def _pressed_through(page) -> dict[str, list[str]]:
    """What Tab does not stop at before it comes round: a trap, or something that only a mouse reaches."""
    page.evaluate(walk.REMEMBER)
    for _ in range(page.evaluate(walk.LEFT) + 1):
        page.keyboard.press("Tab")
    # A time has several stops inside, and so has what scrolls by itself: a few more, and no trap would end by them.
    for _ in range(INSIDE):
        if not (missed := page.evaluate(walk.MISSED)):
            return {}
        page.keyboard.press("Tab")
    return {"by Tab": missed}
