"""Every page that links lead to: narrow, zoomed, in forced colours, at rest, by keyboard and without scripts (WCAG 2.2 AA)."""

from tests.browser import walk
from tests.browser.test_story import axe_problems, trace_path

# 320 px is also what a window of 1280 px is at 400 %; 640 px is what it is at 200 %.
NARROW, ZOOMED, WHOLE = {"width": 320, "height": 700}, {"width": 640, "height": 450}, {"width": 1280, "height": 800}
# Where a person's own colours are put through axe as well: one of each kind of page.
PERSONAL = ["console:home", "traces:list", "traces:detail", "approvals:review", "actions:plan", "policies:tiers"]
# Pages that are there only while something is open (a rollback to decide, a message that failed) may be missing.
FEWEST = 50


def test_every_page_holds_however_it_is_looked_at(person, chromium, demo):
    """Ken edits a policy, Dana owns the workspace; each is asked for what only they see."""
    trace_path(demo)
    ken, dana = (person(name, color_scheme="dark", viewport=NARROW) for name in ("ken", "dana"))
    ken.open("/policies/support/").click("button:has-text('Edit')")
    ken.page.wait_for_url("**/tiers/**")
    his, hers = walk.every_page(ken), walk.every_page(dana)
    assert len(his | hers) > FEWEST
    found = {name: _looked_at(ken.open(path), name) for name, path in his.items()}
    found |= {name: _looked_at(dana.open(path), name) for name, path in hers.items() if name not in his}
    for name, buttons in _dead(chromium, ken, his).items():
        found[name] |= {"without scripts": buttons}
    ken.page.set_viewport_size(WHOLE)
    for name in PERSONAL:
        found[name] |= _pressed_through(ken.open(his[name]))
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert (ken.complaints, dana.complaints) == ([], [])


def _looked_at(page, name: str) -> dict[str, list[str]]:
    """What is wrong with a page, by how it was looked at. It is opened once; the window and the media change around it."""
    found = {"h1": [] if page.locator("h1").count() == 1 else ["not one"], "axe": axe_problems(page)}
    found["320 px"] = page.evaluate(walk.TOO_WIDE)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    found |= {"borders": page.evaluate(walk.BORDERLESS), "motion": page.evaluate(walk.MOVING)}
    if name in PERSONAL:
        found["axe in forced colours"] = axe_problems(page)
    page.emulate_media(forced_colors="none", reduced_motion="no-preference")
    page.set_viewport_size(ZOOMED)
    found |= {"200 %": page.evaluate(walk.TOO_WIDE), "focus at 200 %": page.evaluate(walk.UNSEEN)}
    page.set_viewport_size(NARROW)
    return {how: problems for how, problems in found.items() if problems}


def _dead(chromium, person, pages: dict[str, str]) -> dict[str, list[str]]:
    """Buttons that only a script would hear, by view."""
    state = person.context.storage_state()
    context = chromium.new_context(java_script_enabled=False, storage_state=state, viewport=NARROW)
    page, dead = context.new_page(), {}
    for name, path in pages.items():
        page.goto(f"{person.base}{path}")
        dead[name] = page.evaluate(walk.DEAD)
    context.close()
    return {name: buttons for name, buttons in dead.items() if buttons}


def _pressed_through(page) -> dict[str, list[str]]:
    """What Tab does not stop at before it comes round: a trap, or something that only a mouse reaches."""
    page.evaluate(walk.REMEMBER)
    for _ in range(page.evaluate(walk.LEFT) + 1):
        page.keyboard.press("Tab")
    missed = page.evaluate(walk.MISSED)
    return {"by Tab": missed} if missed else {}
