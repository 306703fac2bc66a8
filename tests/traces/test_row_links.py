"""Every row of Show work has an address of its own, which leads to it also where a long list folds it, without a script."""

import re

import pytest

from tests.display.rendering import rendered
from tests.display.samples import trace_page
from tests.traces.test_brief import NEWEST, told
from tests.traces.test_long_traces import long_story
from traces.story.folded import OPEN


def page(story):
    context = trace_page() | {"story": story, "opened": story.opened, "all_checks": story.shows_passed}
    return rendered("traces/trace_detail.html", context)


def ids(html):
    return re.findall(r' id="((?:step|check|change|call|escalation|entry)-[^"]+)"', html)


@pytest.mark.parametrize("name", ["completed", "rolled_back", "denied", "unknown", "waiting"])
def test_every_row_has_an_id_of_its_own_and_its_chip_is_its_link(name):
    story = told(NEWEST[name])
    html = page(story)
    rows = [*story.steps, *story.shown_checks, *story.changes, *story.calls, *story.escalations]
    assert sorted(ids(html)) == sorted(row["ref"] for row in rows) and len(set(ids(html))) == len(rows)
    links = set(re.findall(r'href="\?tab=\w+&amp;open=([^#"]+)#\1"', html))
    assert links >= {row["ref"] for row in rows}


@pytest.mark.parametrize("ref", ["step-250", "change-250", "call-250"])
def test_a_link_to_a_row_that_a_long_list_folds_shows_it(ref):
    assert f' id="{ref}"' not in page(long_story(500))
    html = page(long_story(500, opened=frozenset([ref])))
    assert f' id="{ref}"' in html and html.count(' id="step-') <= OPEN + 2


def test_a_link_to_a_check_that_passed_shows_those_that_passed():
    passed = long_story(3).passed_checks[0]["ref"]
    assert f' id="{passed}"' not in page(long_story(3))
    assert f' id="{passed}"' in page(long_story(3, opened=frozenset([passed])))


def test_what_a_tab_folds_is_shown_in_that_tab():
    html = page(long_story(500, tab="checks"))
    assert "?tab=checks&amp;show=all#checks" in html and '"?show=all#' not in html
