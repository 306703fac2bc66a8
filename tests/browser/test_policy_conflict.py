"""Pages that few people meet: a draft that was overtaken, an agent's own ship gate, and the matrix head while it sticks."""

import os
import subprocess
import sys

import pytest

from policies.engine.yaml_out import dump
from tests.browser.conftest import ROOT
from tests.browser.looks import each_look
from tests.browser.test_story import axe_problems, sees

SLUG = "overtaken"
TOOLS = ("desk.account.get", "desk.order.get")


def plain(**modes: str) -> dict:
    """A policy of reads only: each version is published by one trusted operator."""
    tools = {name: {"mode": modes.get(name.split(".")[1], "auto")} for name in TOOLS}
    roles = {"reader": {"tier": "read-only", "tools": tools}}
    return {"policy": {"slug": SLUG, "name": "Overtaken"}, "roles": roles}


@pytest.fixture
def publish(remit, tmp_path):
    """Publishes as an operator at the shell."""

    def run(document: dict) -> None:
        file = tmp_path / "policy.yaml"
        file.write_text(dump(document))
        env = {**os.environ, "DATABASE_URL": remit["database"]}
        command = [sys.executable, "manage.py", "remit_policy", "publish", str(file), "--workspace", "northwind"]
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)

    return run


def looked_at(page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1 and axe_problems(page) == []


def test_a_draft_that_was_overtaken_shows_both_and_is_brought_up_to_date(person, publish):
    publish(plain())
    ken = person("ken")
    ken.open(f"/policies/{SLUG}/")
    ken.page.click("button:has-text('Edit')")
    for tool, mode in (("account.get", "off"), ("order.get", "draft")):
        ken.open(f"/policies/{SLUG}/tiers/?cell=reader/desk.{tool}")
        ken.page.select_option("#id_mode", mode)
        ken.page.click("text=Save tier")
        ken.page.wait_for_selector(f"#cell-reader-desk_{tool.replace('.', '_')}[data-level={mode}]")
    publish(plain(account="draft"))
    page = ken.page
    for width in each_look(page, f"{ken.base}/policies/{SLUG}/draft/rebase/"):
        assert "went live while you edited" in page.inner_text("h1")
        assert page.locator("[data-conflict]").count() == 1
        looked_at(page, width)
    page.check("input[type=radio][value=yours]")
    with page.expect_navigation():  # Its address is below the policy's too, so an address does not tell that it left.
        page.click("button:has-text('Bring the draft up to date')")
    ken.open(f"/policies/{SLUG}/tiers/")
    assert page.get_attribute("#cell-reader-desk_account_get", "data-level") == "off"
    page.click("button:has-text('Discard draft')")
    page.wait_for_selector("button[data-armed]:enabled")
    page.click("button[data-armed]")
    sees(page, "Draft discarded.")
    assert ken.complaints == []


def test_an_agents_own_ship_gate_is_accessible_and_fits(person):
    ken = person("ken")
    page = ken.open("/policies/support/gate/")
    addresses = page.locator("a[href*='/policies/agents/']").evaluate_all("all => all.map(link => link.href)")
    for width in each_look(page, addresses[0]):
        assert "Field-level allowlists" in page.inner_text("main")
        looked_at(page, width)
    assert ken.complaints == []


HEAD = """() => {
  const head = document.querySelector(".matrix thead th").getBoundingClientRect();
  const cell = document.activeElement.getBoundingClientRect();
  return [head.top, head.bottom, cell.top];
}"""


@pytest.mark.parametrize("tab", ["tiers", "limits", "versions"])
def test_the_open_tab_is_in_sight_on_a_phone(person, tab):
    ken = person("ken", viewport={"width": 390, "height": 844})
    page = ken.open(f"/policies/support/{tab}/")
    page.wait_for_load_state()
    box = page.locator(".tabs [aria-current]").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


@pytest.mark.parametrize("width", [1440, 390])
def test_no_cell_that_has_the_focus_is_behind_the_head(person, width):
    """The head sticks on a wide page; on a narrow one there is none, and every cell says its role."""
    ken = person("ken", viewport={"width": width, "height": 420})
    page = ken.open("/policies/support/tiers/")
    cells = page.locator(".matrix tbody tr:not(.band) td:nth-of-type(1) .cell")
    cells.last.scroll_into_view_if_needed()
    cells.last.focus()
    for _ in range(cells.count() - 1):
        page.keyboard.press("ArrowUp")
        top, bottom, cell = page.evaluate(HEAD)
        assert cell >= (bottom if width == 1440 and top >= 0 else 0)
    if width == 1440:
        page.evaluate("window.scrollBy(0, 80)")
        assert page.evaluate(HEAD)[0] == 0, "It sticks."
    if os.environ.get("REMIT_SHOTS"):
        page.screenshot(path=f"{os.environ['REMIT_SHOTS']}/head-{width}.png")
