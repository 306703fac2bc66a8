"""The looks every page is put through axe in: each theme and each width once, since colours and layout break apart."""

from collections.abc import Iterator, Sequence

from playwright.sync_api import Page

LOOKS = [("light", 1440), ("dark", 390)]
NARROWEST = ("light", 320)
HEIGHT = 844


def each_look(page: Page, address: str, looks: Sequence[tuple[str, int]] = LOOKS) -> Iterator[int]:
    """Gives the width of each look in turn. The page is loaded once, as the last look; the window and the theme change around it.

    At rest: a colour that is on its way to another has any contrast.
    """
    for first, (theme, width) in enumerate(reversed(looks)):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if not first:
            page.goto(address)
        yield width
