"""What stands around a page (titles, what just happened, text for screen readers) names hidden signs as the page does (R-23)."""

import re

import pytest

from approvals.models import ApprovalRequest
from tests.builders import planned, request_of
from tests.stepup.conftest import browser

OVERRIDE, JOINER, CYRILLIC = "\u202e", "\u2060", "Refund at раypal"
SAID = f"Send{OVERRIDE} it{JOINER} now <b>bold</b> & more"


@pytest.fixture
def request_(cast):
    found = request_of(planned(cast), "desk.refund.create")
    ApprovalRequest.objects.filter(pk=found.pk).update(title=SAID)
    return found


def hides(page: str) -> list[str]:
    return [repr(sign) for sign in (OVERRIDE, JOINER) if sign in page]


def test_r23_the_title_of_a_page_names_them_and_stays_text(cast, request_):
    page = browser(cast, "priya").get(f"/approvals/{request_.pk}/").content.decode()
    (title,) = re.findall(r"<title>(.*?)</title>", page)
    assert title.startswith("Send[U+202E] it[U+2060] now &lt;b&gt;bold&lt;/b&gt; &amp; more")
    assert hides(page) == []
    ApprovalRequest.objects.filter(pk=request_.pk).update(title=CYRILLIC)
    page = browser(cast, "priya").get(f"/approvals/{request_.pk}/").content.decode()
    assert "look-alike" in re.findall(r"<title>(.*?)</title>", page)[0]


def test_r23_home_names_them_also_for_screen_readers(cast, request_):
    page = browser(cast, "priya").get("/").content.decode()
    assert "Send" in page and hides(page) == []


def test_r23_what_just_happened_names_them(cast, request_):
    """A verdict on a plan's page that fails is told with the title of its request."""
    client, plan = browser(cast, "priya"), request_.trace.plans.get()
    client.post(f"/plans/{plan.pk}/decide/", {f"choice-{request_.pk}": "approve", f"digest-{request_.pk}": "sha256:00"})
    page = client.get(f"/plans/{plan.pk}/").content.decode()
    (told,) = re.findall(r'role="status" data-told>(.*?)</p>', page)
    assert "U+202E" in told and "&lt;b&gt;" in told and hides(page) == []
