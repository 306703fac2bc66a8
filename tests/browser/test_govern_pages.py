"""Agents, tools, connections, trust, rollbacks and the audit log in both themes and at both widths, put through axe."""

import pytest

from tests.browser.looks import LOOKS
from tests.browser.test_story import axe_problems

PAGES = [
    "/", "/agents/", "/tools/", "/tools/desk.refund.create/", "/connections/", "/connections/desk/", "/audit/?did=member",
    "/trust/", "/trust/escalations/", "/rollbacks/", "/people/", "/people/single-operator/", "/embedding/", "/actions/",
    "/gallery/",
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_have_no_axe_findings_and_fit(person, scheme, width):
    dana = person("dana", color_scheme=scheme, viewport={"width": width, "height": 900})
    agent = dana.open("/agents/").get_attribute("td a.name", "href")
    somebody = dana.open("/people/").get_attribute("main a[href*='/people/person/']", "href")
    for path in [*PAGES, agent, somebody]:
        page = dana.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.locator("h1").count() == 1 and axe_problems(page) == [], path
    assert dana.complaints == []
