"""What was typed is not lost when the session ended meanwhile: it is kept over the sign-in and sent again by the person."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.test import Client

from policies.documents import parsed
from policies.edits import fingerprint
from policies.engine.yaml_source import MAX_BYTES
from policies.models import PolicyDraft
from tests.builders import planned, request_of
from tests.cast import PASSWORD

BACKEND = "django.contrib.auth.backends.ModelBackend"


def ended(cast, first: str) -> tuple[Client, str]:
    """A browser whose session is gone but whose page, and CSRF token, are still open."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.user(first), backend=BACKEND)
    client.get("/approvals/")
    client.get("/sign-in/")
    del client.cookies["sessionid"]
    client.get("/sign-in/")
    return client, client.cookies["csrftoken"].value


def sign_in(client, cast, first: str, target: str):
    token = client.cookies["csrftoken"].value
    data = {"email": cast.user(first).email, "password": PASSWORD, "next": target, "csrfmiddlewaretoken": token}
    return client.post("/sign-in/", data)


def test_a_form_sent_after_the_session_ended_is_sent_again_by_the_person(cast):
    request = request_of(planned(cast), "desk.refund.create")
    client, token = ended(cast, "priya")
    path = f"/approvals/{request.pk}/decide/"
    data = {"choice": "reject", "reason": "Ünique reason.\nTwo lines.", "digest": request.digest}
    answer = client.post(path, {**data, "csrfmiddlewaretoken": token})
    assert answer.status_code == 302 and answer["Location"] == "/sign-in/?next=%2Fresume%2F"
    request.refresh_from_db()
    assert request.is_open
    assert sign_in(client, cast, "priya", "/resume/")["Location"] == "/resume/"
    page = client.get("/resume/").content.decode()
    assert "Ünique reason." in page and f'action="{path}"' in page
    sent = client.post(path, {**data, "csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    request.refresh_from_db()
    assert sent.status_code == 302 and request.state == "rejected"
    assert "Nothing is waiting" in client.get("/resume/").content.decode()


def test_a_kept_form_can_be_discarded(cast):
    client, token = ended(cast, "priya")
    client.post("/workspace/", {"workspace": "x", "csrfmiddlewaretoken": token})
    client.post("/policies/support/draft/open/", {"note": "x", "csrfmiddlewaretoken": token})
    sign_in(client, cast, "priya", "/resume/")
    assert "/policies/support/draft/open/" in client.get("/resume/").content.decode()
    client.post("/resume/discard/", {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    assert "Nothing is waiting" in client.get("/resume/").content.decode()


def test_a_form_without_its_csrf_token_is_not_kept(cast):
    client, _ = ended(cast, "priya")
    assert client.post("/policies/support/draft/open/", {"note": "planted"}).status_code == 403
    sign_in(client, cast, "priya", "/resume/")
    assert "planted" not in client.get("/resume/").content.decode()


OURS = {"Origin": "http://testserver"}


def test_a_form_from_before_another_sign_in_waits_to_be_sent_again(cast):
    """Out and in again in another tab: the session is a new one, and the CSRF token of every page drawn before is old."""
    client, old = ended(cast, "ken")
    sign_in(client, cast, "ken", "/policies/")
    assert client.cookies["csrftoken"].value != old
    data = {"id": "daily", "max": "5", "csrfmiddlewaretoken": old}
    path = "/policies/support/limits/new/"
    assert client.post(path, data, headers=OURS)["Location"] == "/resume/"
    page = client.get("/resume/").content.decode()
    assert "You had signed in again since its page was drawn" in page and f'action="{path}"' in page
    part = client.post(path, data, headers={**OURS, "HX-Request": "true"})
    assert part["HX-Redirect"] == "/resume/"


def test_the_same_without_a_session_leads_over_the_sign_in(cast):
    client, old = ended(cast, "ken")
    sign_in(client, cast, "ken", "/policies/")
    client.post("/sign-out/", {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    answer = client.post("/policies/support/limits/new/", {"id": "daily", "csrfmiddlewaretoken": old}, headers=OURS)
    assert answer["Location"] == "/sign-in/?next=%2Fresume%2F"


@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Origin": "https://elsewhere.example"}])
def test_what_another_site_sent_is_neither_done_nor_kept_and_the_page_says_so(cast, headers):
    client, _ = ended(cast, "ken")
    sign_in(client, cast, "ken", "/policies/")
    answer = client.post(
        "/policies/support/limits/new/", {"id": "planted", "csrfmiddlewaretoken": "x" * 64}, headers=headers
    )
    assert answer.status_code == 403 and "This page was out of date" in answer.content.decode()
    assert "planted" not in client.get("/resume/").content.decode()


def test_a_secret_from_an_old_page_is_not_kept(cast):
    client, old = ended(cast, "dana")
    sign_in(client, cast, "dana", "/")
    for data in ({"client_secret": "hunter2"}, {}):
        answer = client.post("/policies/", {**data, "csrfmiddlewaretoken": old}, headers=OURS)
        assert answer.status_code == 403 and "hunter2" not in answer.content.decode()
    assert "Nothing is waiting" in client.get("/resume/").content.decode()


def test_a_secret_and_a_huge_form_are_not_kept(cast):
    client, token = ended(cast, "priya")
    for data in ({"client_secret": "hunter2"}, {"note": "x" * 290_000}):
        answer = client.post("/policies/support/draft/open/", {**data, "csrfmiddlewaretoken": token})
        assert "%2Fresume%2F" not in answer["Location"]
    sign_in(client, cast, "priya", "/resume/")
    assert "Nothing is waiting" in client.get("/resume/").content.decode()


def test_a_document_as_large_as_one_may_be_is_not_lost(cast):
    """Sent as a browser sends it: every end of a line is two characters, and of those each is three bytes."""
    client, _ = ended(cast, "ken")
    sign_in(client, cast, "ken", "/policies/")
    client.post("/policies/support/draft/open/", {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    draft = PolicyDraft.objects.get(policy__workspace=cast.workspaces["northwind"])
    lines = draft.source.replace("execute-with-approval", "draft-only")
    lines += "#\n" * ((MAX_BYTES - len(lines.encode())) // 2)
    assert MAX_BYTES - 2 < len(lines.encode()) <= MAX_BYTES
    del client.cookies["sessionid"]
    typed = {"source": lines.replace("\n", "\r\n"), "revision": draft.revision, "was": _seen(draft)}
    sent = {**typed, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    path = "/policies/support/document/"
    form = "application/x-www-form-urlencoded"
    assert client.post(path, urlencode(sent), content_type=form)["Location"] == "/sign-in/?next=%2Fresume%2F"
    sign_in(client, cast, "ken", "/resume/")
    page = client.get("/resume/").content.decode()
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.split(f'action="{path}"')[1]))
    assert unescape(kept["source"]) == typed["source"]
    again = {name: unescape(value) for name, value in kept.items()}
    again["csrfmiddlewaretoken"] = client.cookies["csrftoken"].value
    assert client.post(path, urlencode(again), content_type=form).status_code == 302
    draft.refresh_from_db()
    assert draft.revision == typed["revision"] + 1


def _seen(draft: PolicyDraft) -> str:
    return fingerprint(parsed(draft.digest, draft.source).plain)
