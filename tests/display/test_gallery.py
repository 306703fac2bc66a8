"""The gallery shows every component once in each theme."""

from django.utils.html import escape

from accounts.display.vocabulary import STATUSES
from tests.display.rendering import rendered
from tests.display.samples import gallery_page


def test_every_status_and_both_themes_are_there():
    html = rendered("gallery/gallery.html", gallery_page())
    assert 'data-theme="light"' in html and 'data-theme="dark"' in html and html.count("<h1") == 1
    for found in STATUSES.values():
        assert html.count(escape(found.word)) >= 4, found
