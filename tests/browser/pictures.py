"""Pictures of pages in both themes and at both widths, and what is wrong with a page in any of them."""

import re
from pathlib import Path

from tests.browser import walk
from tests.browser.conftest import ROOT
from tests.browser.test_story import axe_problems
from tests.browser.tour import Stop, World

# To be looked at and not kept; the few that the documentation shows stand in the repository.
ALL = Path(ROOT) / ".remit" / "screenshots"
SHOWN = Path(ROOT) / "docs" / "screenshots"
THEMES, SIZES = ("light", "dark"), ({"width": 1440, "height": 900}, {"width": 390, "height": 844})


def emptied(name: str) -> Path:
    """A folder of that name without the pictures of an earlier run."""
    folder = ALL / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    return folder


def pictures(world: World, stops: dict[str, Stop], folder: Path) -> dict[str, list[str]]:
    """Four pictures of each page. Gives what overflows and what axe finds, by page, of those with anything."""
    found = {name: _of_page(world, stop, folder / re.sub(r"\W+", "-", name)) for name, stop in sorted(stops.items())}
    return {name: problems for name, problems in found.items() if problems}


def _of_page(world: World, stop: Stop, file: Path) -> list[str]:
    problems = []
    for size in SIZES:
        page = world.open(stop, size)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # Else a colour is on its way.
            page.screenshot(path=f"{file}-{theme}-{size['width']}.png", full_page=True)
            problems += [
                f"{theme} {size['width']}: {each}"
                for each in page.evaluate(walk.TOO_WIDE) + page.evaluate(walk.CUT) + axe_problems(page)
            ]
        page.emulate_media(color_scheme="light")
    return problems
