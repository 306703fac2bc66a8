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


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/traces/", BROWSER, PAGE),
        ("/sign-in/", "*/*", PAGE),
        ("/oauth/authorize", BROWSER, PAGE),
        ("/oauth/authorize", "application/json", PROBLEM),
        ("/api/v1/traces", BROWSER, PROBLEM),
        ("/mcp", BROWSER, PROBLEM),
    ],
)
def test_a_request_for_another_host_is_told_what_to_do(db, path, accept, kind):
    answer = Client().get(path, headers={"accept": accept, "host": "elsewhere.example"})
    assert answer.status_code == 400 and answer["Content-Type"].startswith(kind), answer.content[:200]
    if kind == PROBLEM:
        assert answer.json()["type"].endswith(":bad-request")
        return
    # It was refused before it was given an id.
    assert b"not served under this host name" in answer.content and b"request ID" not in answer.content


def test_a_form_that_is_too_large_is_refused_by_a_page_that_names_its_request(db, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    answer = Client().post("/sign-in/", {"email": "a", "password": "b", "next": "c"})
    assert answer.status_code == 400 and answer["X-Request-ID"] in answer.content.decode()
    assert "nothing was changed" in answer.content.decode()
