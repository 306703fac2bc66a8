"""The bar marks the one place a page belongs to, whichever part serves it."""

import re

import pytest

from tests.console.test_trust import browser


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/approvals/load/", "Approvals"),
        ("/people/single-operator/", "Approvals"),
        ("/approvals/", "Approvals"),
        ("/actions/", "Traces"),
        ("/people/", "People"),
        ("/agents/{agent}/access/", "Agents"),
    ],
)
def test_each_page_is_marked_at_its_place_alone(cast, path, place):
    page = browser(cast, "dana").get(path.format(agent=cast.agent.pk)).content.decode()
    bar = re.search(r'<nav class="nav".*?</nav>', page, re.S)[0]
    marked = re.findall(r'aria-current="page"[^>]*>(.*?)</a>', bar, re.S)
    assert [re.sub(r"<[^>]*>", " ", words).split()[0] for words in marked] == [place]
