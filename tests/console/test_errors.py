"""What is absent or fails answers whoever asked: a page for people, a problem for programs (RFC 9457, RFC 9110 section 12)."""

import pytest
from django.test import Client, RequestFactory

from console.views import failed

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGE, PROBLEM = "text/html", "application/problem+json"


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/oauth/nowhere", BROWSER, PAGE),
        ("/oauth/nowhere", "*/*", PROBLEM),
        ("/oauth/nowhere", "application/json", PROBLEM),
        ("/oauth/nowhere", "", PROBLEM),
        ("/api/v1/nowhere", BROWSER, PROBLEM),
        ("/mcp/nowhere", BROWSER, PROBLEM),
        ("/nowhere/", "*/*", PAGE),
    ],
)
def test_people_read_a_page_and_programs_a_problem(db, path, accept, kind):
    absent = Client().get(path, headers={"accept": accept} if accept else {})
    broken = failed(RequestFactory().get(path, headers={"accept": accept} if accept else {}))
    assert (absent.status_code, broken.status_code) == (404, 500)
    for answer in (absent, broken):
        assert answer["Content-Type"].startswith(kind), answer.content[:200]
