"""The authorization page: only a person's own yes to exactly what it shows gives a code, and no error leaves for a stranger's
address (RFC 6749 section 4.1.2.1, RFC 9700, RFC 9207).
"""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Agent, Consent
from accounts.permissions import Role
from accounts.services import (
    add_member,
    deactivate_user,
    issue_agent_client,
    link_identity,
    remove_member,
    set_agent_state,
)
from tests.accounts.conftest import Browser
from tests.cast import PASSWORD
from tests.gateway.signing_in import HOSTED, NATIVE, App, at, fields, led_to, pressed, sent
from traces.models import Entry

NOTHING = "Nothing was allowed"


@pytest.fixture
def app(cast):
    return App(cast)


def shown(browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.content
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_page_names_who_asks_for_whom_what_at_most_how_long_and_where_the_answer_goes(cast, app):
    page = shown(at(cast, "maya"), app.address(scope="read write"))
    for told in ("Assistant", cast.agent.name, cast.agent.owner.name, "maya@northwind.example", "8 hours at most"):
        assert told in page, told
    assert "<strong>assistant.example</strong>" in page and "registered here by an admin" in page
    assert "<li>Read records</li><li>Change records</li></ul>" in page
    assert (
        "<strong>It may not</strong><ul><li>Prepare drafts" in page
        and settings.REMIT_AUDIENCE_MCP in page
        and "<script" not in page.split("<main")[1]
    )


def test_allow_gives_a_code_to_the_registered_address_with_state_and_who_answers(cast, app):
    answer = sent(pressed(at(cast, "maya"), app.address()))
    assert set(answer) == {"code", "state", "iss"} and answer["state"] == app.state
    assert answer["iss"] == settings.REMIT_BASE_URL
    made = Consent.objects.get()
    assert answer["code"] not in str(vars(made)) and made.person == cast.user("maya") and made.agent == cast.agent
    entry = Entry.objects.get(type="consent.given").record
    assert entry["actor"]["id"] == cast.user("maya").pk and entry["body"]["client"]["name"] == "Assistant"
    assert answer["code"] not in str(entry)


def test_deny_tells_the_client_so_and_keeps_nothing(cast, app):
    answer = sent(pressed(at(cast, "maya"), app.address(), "deny"))
    assert answer == {"error": "access_denied", "state": app.state, "iss": settings.REMIT_BASE_URL}
    assert not Consent.objects.exists()


def test_who_is_not_signed_in_signs_in_first_and_comes_back_to_the_same_page(cast, app):
    browser, address = Client(), app.address()
    led = browser.get(address)
    assert led.status_code == 302 and led["Location"].startswith("/sign-in/?")
    wanted = parse_qs(urlsplit(led["Location"]).query)["next"][0]
    assert wanted == address
    back = browser.post("/sign-in/", {"email": "maya@northwind.example", "password": PASSWORD, "next": wanted})
    assert back.status_code == 302 and back["Location"] == address and "act for you?" in shown(browser, address)
    assert Client().post(address, {"answer": "allow"}).status_code == 302 and not Consent.objects.exists()


def test_who_signs_in_with_their_organisation_comes_back_to_it_too(cast, app, provider):
    link_identity(actor=cast.actor("dana"), user=cast.user("maya"), issuer=provider.issuer, subject="subject-1")
    browser, address = Browser(Client()), app.address()
    assert browser.sign_in(address)["Location"] == address
    assert "maya@northwind.example" in shown(browser.client, address) and not Consent.objects.exists()


def test_no_request_skips_the_page_whatever_it_says_and_whatever_was_allowed_before(cast, app):
    browser = at(cast, "maya")
    sent(pressed(browser, app.address()))
    app.client.application.__class__.objects.update(skip_authorization=True)
    for more in (
        {},
        {"prompt": "none"},
        {"prompt": "login"},
        {"approval_prompt": "auto"},
        {"allow": "true"},
        {"answer": "allow"},
    ):
        assert "act for you?" in shown(browser, app.address(**more))
    assert Consent.objects.count() == 1


def test_a_form_from_elsewhere_is_refused_and_is_never_kept_to_be_sent_later(cast, app):
    browser, address = at(cast, "maya"), app.address()
    page = fields(shown(browser, address))
    bare = {"shown": page["shown"], "answer": "allow"}
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": settings.REMIT_BASE_URL}):
        assert browser.post(address, bare, headers=headers).status_code == 403
    assert "Nothing is waiting to be sent" in browser.get("/resume/").content.decode()
    gone = Client(enforce_csrf_checks=True)
    led = gone.post(address, bare, headers={"Origin": "http://testserver"})
    assert led.status_code == 302 and parse_qs(urlsplit(led["Location"]).query)["next"] == [address]
    assert not Consent.objects.exists()


def test_an_answer_holds_for_what_was_shown_alone(cast, app):
    browser = at(cast, "maya")
    small, large = app.address(scope="read"), app.address(scope="read write")
    page = fields(shown(browser, small))
    again = browser.post(large, {**page, "answer": "allow"})
    assert again.status_code == 409 and "read it again" in again.content.decode()
    assert browser.post(small, {**page, "answer": "yes"}).status_code == 409
    more = browser.post(small, {**page, "answer": "allow", "scope": "agent"})
    assert more.status_code == 400 and NOTHING in more.content.decode() and not Consent.objects.exists()


def test_it_cannot_be_framed_and_its_form_goes_only_home(cast, app):
    """Browsers hold every redirect after a form to form-action, also the client's own: so a page leads on, and no form."""
    browser = at(cast, "maya")
    for answer in (
        browser.get(app.address()),
        pressed(browser, app.address()),
        pressed(browser, app.address(), "deny"),
    ):
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy["form-action"] == "'self'" and policy["frame-ancestors"] == "'none'"
        assert answer["X-Frame-Options"] == "DENY" and "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "same-origin", "A code is told to nobody else."


FATAL = {
    "no client": {"client_id": None},
    "an unknown one": {"client_id": "nobody"},
    "a client that is no text": {"client_id": "a\0"},
    "no address": {"redirect_uri": None},
    "another address": {"redirect_uri": "https://other.example/callback"},
    "a longer one": {"redirect_uri": f"{HOSTED}/x"},
    "with a query": {"redirect_uri": f"{HOSTED}?x=1"},
    "another case": {"redirect_uri": "https://ASSISTANT.example/callback"},
    "a fragment": {"redirect_uri": f"{HOSTED}#x"},
    "a user": {"redirect_uri": "https://assistant.example@other.example/callback"},
    "a port": {"redirect_uri": "https://assistant.example:444/callback"},
    "not https": {"redirect_uri": "http://assistant.example/callback"},
    "a script": {"redirect_uri": "javascript:alert(1)"},
    "another path on loopback": {"redirect_uri": "http://127.0.0.1:8000/other"},
    "a name for loopback": {"redirect_uri": "http://localhost:8000/callback"},
    "two addresses": {"redirect_uri": [HOSTED, NATIVE]},
    "two clients": {"client_id": ["a", "b"]},
    "two states": {"state": ["a", "b"]},
}


@pytest.mark.parametrize("wrong", FATAL)
def test_a_wrong_client_or_address_is_told_to_the_person_and_sent_nowhere(cast, app, wrong):
    answer = at(cast, "maya").get(app.address(**FATAL[wrong]))
    assert (
        answer.status_code == 400
        and NOTHING in answer.content.decode()
        and not {"Location", "Refresh"} & set(answer.headers)
    )
    assert "other.example" not in answer.content.decode()


TOLD = {
    "no resource": ({"resource": None}, "invalid_target"),
    "another": ({"resource": "https://other.example/mcp"}, "invalid_target"),
    "two": ({"resource": [settings.REMIT_AUDIENCE_MCP, settings.REMIT_AUDIENCE_REST]}, "invalid_target"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "a short one": ({"code_challenge": "abc"}, "invalid_request"),
    "a word that is no scope": ({"scope": "read everything"}, "invalid_scope"),
    "a token": ({"response_type": "token"}, "unauthorized_client"),
    "nothing": ({"response_type": None}, "invalid_request"),
    "a fragment": ({"response_mode": "fragment"}, "invalid_request"),
}


@pytest.mark.parametrize("wrong", TOLD)
def test_everything_else_is_told_to_the_client_with_state_and_who_answers(cast, app, wrong):
    more, error = TOLD[wrong]
    answer = at(cast, "maya").get(app.address(**more))
    place = led_to(answer).replace("#", "?", 1) if wrong == "a token" else led_to(answer)
    found = {name: value[0] for name, value in parse_qs(urlsplit(place).query).items()}
    assert place.startswith(f"{HOSTED}?"), place
    assert (found["error"], found["state"]) == (error, app.state) and not Consent.objects.exists()
    assert found["iss"] == settings.REMIT_BASE_URL


def test_a_native_client_takes_any_free_port_of_loopback(cast, app):
    place = "http://127.0.0.1:50123/callback"
    assert "a program on this computer" in shown(at(cast, "maya"), app.address(redirect_uri=place))
    assert sent(pressed(at(cast, "maya"), app.address(redirect_uri=place)), place)["code"]


@pytest.mark.parametrize(
    "place",
    [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode://vscode.github-authentication/did-authenticate",
        "https://vscode.dev/redirect",
    ],
)
def test_editors_take_the_answer_by_their_own_scheme(cast, place):
    app = App(cast, redirects=[place])
    page = shown(at(cast, "maya"), app.address(redirect_uri=place))
    assert ("Any program on this computer" in page) is not place.startswith("https")
    assert (
        f"<strong>{place.split('/')[2] if place.startswith('https') else place[: place.index('/', 10)]}</strong>"
        in page
    )
    assert sent(pressed(at(cast, "maya"), app.address(redirect_uri=place)), place)["code"]


def test_who_may_not_have_it_done_cannot_allow_it(cast, app):
    for first in ("omar", "lena"):  # Of another workspace: the app is not known to them.
        answer = at(cast, first).get(app.address())
        assert answer.status_code == 400 and cast.agent.name not in answer.content.decode()
    narrow = App(cast, scopes="write")
    assert sent(at(cast, "ava").get(narrow.address()))["error"] == "access_denied", "An auditor only reads."
    page = shown(at(cast, "ava"), app.address())
    assert "<ul><li>Read records</li></ul>" in page
    set_agent_state(actor=cast.actor("dana"), agent=cast.agent, state=Agent.State.DISABLED)
    assert sent(at(cast, "maya").get(app.address()))["error"] == "unauthorized_client"


def test_what_changed_between_the_page_and_the_answer_is_not_allowed(cast, app):
    browser = at(cast, "maya")
    page = fields(shown(browser, app.address()))
    add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.AUDITOR)
    remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.MEMBER)
    assert browser.post(app.address(), {**page, "answer": "allow"}).status_code == 409
    deactivate_user(actor=cast.actor("dana"), user=cast.user("maya"))
    assert browser.post(app.address(), {**page, "answer": "allow"})["Location"].startswith("/sign-in/")
    assert not Consent.objects.exists()


def test_a_client_with_credentials_of_its_own_is_none_that_people_sign_in_for(cast, app):
    own, _ = issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    assert at(cast, "maya").get(app.address(client_id=own)).status_code == 400
