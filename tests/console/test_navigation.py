"""The bar marks the one place a page belongs to, whichever part serves it."""

import re

import pytest

from approvals.access import open_number_for, open_requests_for
from approvals.models import ApprovalRequest
from policies.access import draft_number_of, drafts_visible_to
from policies.drafts import discard_draft, open_draft
from policies.models import Policy
from tests.builders import planned
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


def test_p7_the_bar_counts_what_each_person_may_see_and_no_more(cast):
    planned(cast)
    asked = ApprovalRequest.objects.filter(workspace=cast.northwind, state="open")
    asked.filter(pk=asked[0].pk).update(requester=cast.user("dana"))
    people = ("dana", "ken", "priya", "tomas", "maya", "ava", "omar")
    counted = {first: open_number_for(cast.user(first), cast.northwind) for first in people}
    assert counted == {first: open_requests_for(cast.user(first), cast.northwind).count() for first in people}
    assert 0 < counted["maya"] < counted["priya"] and counted["omar"] == 0, "some see their own alone, a stranger none"


def test_the_bar_counts_the_open_drafts_of_one_workspace(cast):
    ken, policy = cast.user("ken"), Policy.objects.get(workspace=cast.northwind, slug="support")
    draft = open_draft(actor=cast.actor("ken"), user=ken, policy=policy)
    assert (draft_number_of(cast.northwind), draft_number_of(cast.lakeside)) == (1, 0)
    assert drafts_visible_to(ken, cast.northwind).count() == 1
    discard_draft(actor=cast.actor("ken"), user=ken, draft_id=draft.pk, revision=draft.revision)
    assert draft_number_of(cast.northwind) == 0
