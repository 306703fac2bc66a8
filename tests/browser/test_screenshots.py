"""Makes pictures of every page and every state of Show work (`make screenshots`), each held to what a page must hold."""

import re
from contextlib import contextmanager

import psycopg
import pytest

from tests.browser import tour, walk
from tests.browser.pictures import SHOWN, SIZES, emptied, pictures
from tests.browser.test_story import axe_problems, review, sees, trace_path

# Pages that are none of their own address: an empty day, what is not there, what one may not see.
MORE = {
    "nothing-needs-you": tour.Stop("ava", "/"), "refused": tour.Stop("maya", "/audit/"), "absent": tour.Stop("ken", "/nowhere/"),
    "no-matches": tour.Stop("ken", "/traces/?outcome=failed&tool=desk.account.get"),
}  # fmt: skip
SEND, HERE = "main form .btn[data-kind=solid]", "/policies/support"
# Sent as they come, empty: what is wrong with them stands above each form and beside its fields.
WRONG = {
    "sign-in": tour.Stop(tour.NOBODY, "/sign-in/", SEND), "channel": tour.Stop("dana", "/notices/new/email/", SEND),
    "limit": tour.Stop("ken", f"{HERE}/limits/new/", SEND), "invariant": tour.Stop("ken", f"{HERE}/invariants/new/", SEND),
    "freeze": tour.Stop("ken", f"{HERE}/freezes/new/", SEND), "steps": tour.Stop("ken", f"{HERE}/steps/new/", SEND),
    "connection": tour.Stop("ken", "/connections/new/http/", SEND), "pause": tour.Stop("dana", "/pause/", "text=Pause it now"),
    "origin": tour.Stop("dana", "/embedding/", "text=Let it frame Show work"),
}  # fmt: skip
# More than any page of Remit sends.
MANY_FIELDS = """() => { const form = document.querySelector('main form'), field = document.createElement('input');
  form.noValidate = true;
  for (let each = 0; each < 3001; each++) form.append(Object.assign(field.cloneNode(), {type: 'hidden', name: `a${each}`})); }"""
pytestmark = [pytest.mark.screenshots, pytest.mark.timeout(3600)]


def test_pictures_of_every_page(person, remit, demo, tmp_path):
    """Loud: any console error, CSP report, overflow or axe finding of any picture fails, once all are made."""
    world = tour.World(remit, person, tmp_path)
    trace = trace_path(demo)
    stops = world.stops(trace)
    assert tour.PAGES - set(stops) == set()
    tabs = {f"traces:detail-{tab}": tour.Stop("ken", f"{trace}?tab={tab}") for tab in tour.TABS}
    assert pictures(world, stops | tabs | MORE, emptied("pages")) == {}
    assert [each for each in world.complaints() if not re.search(r"\((403|404)\)|status of 40[34]", each)] == []


def test_pictures_of_every_state(person, remit, demo, tmp_path):
    """Of traces in every state, in the list and one by one; of what is paused; of a page that fails."""
    world = tour.World(remit, person, tmp_path)
    trace_path(demo)  # The first trace stands: its agent and its people are there.
    folder = emptied("states")
    states = {f"trace-{name}": tour.Stop("ken", path) for name, path in world.states().items()}
    found = pictures(world, states | {"traces": tour.Stop("ken", "/traces/")}, folder)
    with paused(world):
        found |= pictures(world, {"pause": tour.Stop("dana", "/pause/"), "home-paused": tour.Stop("ken", "/")}, folder)
    with failing(remit["database"]):
        found |= pictures(world, {"failed": tour.Stop("ken", "/traces/")}, folder)
    assert found == {}
    assert [each for each in world.complaints() if "status of 500" not in each] == []


def test_pictures_of_every_state_of_lists_and_forms(person, remit, tmp_path):
    """Of a list with a view that was saved; of forms that were sent wrongly; of a request that nothing could read."""
    world = tour.World(remit, person, tmp_path)
    world.ken.open(f"{HERE}/").click("button:has-text('Edit')")
    world.ken.page.wait_for_url("**/tiers/**")
    page = world.ken.open("/traces/?outcome=denied")
    page.click("summary:has-text('Views')")
    page.fill("#view-name", "Denied at night")
    page.click("text=Save these filters")
    stops = {f"wrong-{name}": stop for name, stop in WRONG.items()}
    stops["saved"] = tour.Stop("ken", "/traces/", "summary:has-text('Views')")
    folder = emptied("forms")
    assert pictures(world, stops, folder) == {}
    page = world.open(tour.Stop(tour.NOBODY, "/sign-in/"), SIZES[1])
    page.evaluate(MANY_FIELDS)
    page.click(SEND)
    sees(page, "Remit could not read what was asked")
    page.screenshot(path=folder / "bad-request.png")
    assert axe_problems(page) + page.evaluate(walk.TOO_WIDE) + page.evaluate(walk.SMALL) == []


@contextmanager
def paused(world: tour.World):
    """An agent, by somebody who may; it goes on when the pictures are made."""
    page = world.dana.open("/pause/")
    page.select_option("select[name=what]", index=1)
    page.fill("[name=reason]", "We look into a refund that was made twice.")
    page.click("button:has-text('Pause it now')")
    sees(page, "1 paused now")
    yield
    page = world.dana.open("/pause/")
    page.fill("[id^=reason-]", "The refund was made once.")
    page.click("button:has-text('Release')")
    sees(page, "Nothing is paused")


@contextmanager
def failing(address: str):
    """The list of traces reads a table that is not there."""
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("ALTER TABLE traces_savedview RENAME TO traces_gone")
        yield
        database.execute("ALTER TABLE traces_gone RENAME TO traces_savedview")


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
