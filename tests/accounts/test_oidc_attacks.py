"""Every lie of a provider, and every misuse of its answers, ends without a session and without an account (R-10, T11)."""

import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import deactivate_user, link_identity
from tests.accounts.conftest import Browser, configure
from tests.accounts.oidc_lies import LIES, Lie
from tests.accounts.provider import Provider


@pytest.fixture
def refused(caplog):
    """Asserts that a browser was refused for this very reason, said so, and is nobody."""

    def check(response, browser: Browser, kind: str) -> None:
        assert response.status_code == 403, response
        assert [r.getMessage() for r in caplog.records if r.name == "remit.sign_in"][-1] == f"sign-in refused: {kind}"
        assert "_auth_user_id" not in browser.client.session
        assert 'role="alert"' in response.content.decode()

    return check


def with_query(address: str, **changes) -> str:
    """The address with some parameters replaced, or left out where None."""
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)}"


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_in_the_answers_is_refused(provider, browser, refused, lie: Lie):
    lie.tell(provider)
    refused(browser.sign_in(), browser, lie.kind)
    assert not User.objects.exists()
    provider.be_honest()
    browser.sign_in()
    assert browser.user.subject == "subject-1", "the same flow without the lie works"


def test_an_email_of_a_local_account_links_nothing(provider, browser, people):
    """Not through `refused`: the account exists beforehand."""
    provider.person["email"] = " DANA@northwind.example"
    response = browser.sign_in()
    assert response.status_code == 403
    assert "It is not linked by email alone" in response.content.decode()
    assert browser.user is None
    people.user("dana").refresh_from_db()
    assert people.user("dana").issuer is None


def test_an_inactive_person_is_refused(provider, browser, people, refused):
    ken = people.user("ken")
    link_identity(actor=people.actor("dana"), user=ken, issuer=provider.issuer, subject="subject-1")
    deactivate_user(actor=people.actor("dana"), user=ken)
    refused(browser.sign_in(), browser, "inactive")


def test_a_stranger_is_refused_where_accounts_are_not_made(provider, browser, refused, settings):
    configure(settings, provider, OIDC_CREATE_USERS="0")
    refused(browser.sign_in(), browser, "unknown-person")


@pytest.mark.parametrize("named", [None, "https://evil.example", "", "upper", "twice"])
def test_an_answer_that_names_another_issuer_or_none_is_refused(provider, browser, refused, named):
    """RFC 9207; the provider says in its metadata that it names itself."""
    values = {"upper": provider.issuer.upper(), "twice": [provider.issuer, provider.issuer]}
    back = with_query(browser.at_provider(browser.start()), iss=values.get(named, named))
    refused(browser.client.get(back), browser, "mixed-up")
    assert "/token" not in [path for path, _ in provider.requests], "the code stayed here"


def test_an_issuer_that_is_named_is_checked_even_where_none_is_required(provider, browser, refused):
    provider.metadata_changes = {"authorization_response_iss_parameter_supported": False}
    back = browser.at_provider(browser.start())
    refused(browser.client.get(with_query(back, iss="https://evil.example")), browser, "mixed-up")


def test_the_issuer_can_be_required_by_setting(provider, browser, refused, settings):
    provider.metadata_changes = {"authorization_response_iss_parameter_supported": False}
    configure(settings, provider, OIDC_REQUIRE_ISS="1")
    provider.sends_iss = False
    refused(browser.sign_in(), browser, "mixed-up")


def test_a_state_works_once(provider, browser, refused):
    back = browser.at_provider(browser.start())
    assert browser.client.get(back).status_code == 302
    browser.client.post("/sign-out/")
    refused(browser.client.get(back), browser, "unknown-state")


def test_a_refused_answer_uses_up_its_state(provider, browser, refused):
    back = browser.at_provider(browser.start())
    refused(browser.client.get(with_query(back, iss="https://evil.example")), browser, "mixed-up")
    refused(browser.client.get(back), browser, "unknown-state")


def test_a_state_works_only_in_the_browser_that_started(provider, browser, refused):
    back = browser.at_provider(browser.start())
    victim = Browser(Client())
    refused(victim.client.get(back), victim, "unknown-state")
    victim.start()
    refused(victim.client.get(back), victim, "unknown-state")


@pytest.mark.parametrize("state", [None, "", "made-up", "\x00"])
def test_an_unknown_state_is_refused_and_signs_nobody_out(provider, browser, refused, state):
    back = browser.at_provider(browser.start())
    refused(browser.client.get(with_query(back, state=state)), browser, "unknown-state")
    browser.sign_in()
    signed_in = browser.user
    assert browser.client.get("/oidc/callback/?error=access_denied&state=made-up").status_code == 403
    assert browser.user == signed_in


def test_a_state_older_than_ten_minutes_is_refused(provider, browser, refused):
    back = browser.at_provider(browser.start())
    session = browser.client.session
    for entry in session["oidc_states"].values():
        entry["added_on"] = time.time() - 601
    session.save()
    refused(browser.client.get(back), browser, "old-state")


def test_a_code_works_once(provider, browser, refused):
    first = browser.at_provider(browser.start())
    browser.client.get(first)
    other = Browser(Client())
    used = parse_qs(urlsplit(first).query)["code"][0]
    refused(other.client.get(with_query(other.at_provider(other.start()), code=used)), other, "code-refused")


@pytest.mark.parametrize(("checks_pkce", "kind"), [(True, "code-refused"), (False, "wrong-nonce")])
def test_a_code_of_another_sign_in_is_refused(provider, browser, refused, checks_pkce, kind):
    """Code injection: the attacker's fresh code with the victim's state. PKCE stops it, and the nonce where PKCE is lax."""
    provider.checks_pkce = checks_pkce
    attacker = Browser(Client())
    theirs = parse_qs(urlsplit(attacker.at_provider(attacker.start())).query)["code"][0]
    refused(browser.client.get(with_query(browser.at_provider(browser.start()), code=theirs)), browser, kind)


@pytest.mark.parametrize("changes", [{"code": None}, {"code": ""}, {"error": "access_denied"}, {"error": ""}])
def test_an_answer_without_a_code_or_with_an_error_is_refused(provider, browser, refused, changes):
    back = with_query(browser.at_provider(browser.start()), **changes)
    refused(browser.client.get(back), browser, "declined")


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/token", "/keys", "/userinfo"])
@pytest.mark.parametrize(
    "answer",
    [
        (500, JSON, b"{}"),
        (302, {"Location": "/elsewhere"}, b""),
        (200, JSON, b"not json"),
        (200, JSON, b"[]"),
        (200, JSON, b"[" * 100_000),
        (200, JSON, b'{"a": "' + b"x" * 300_000 + b'"}'),
        (200, {"Content-Type": "application/jwt"}, b"a.b.c"),
    ],
    ids=["error", "redirect", "not-json", "list", "deep", "large", "jwt"],
)
def test_an_unusable_answer_is_refused(provider, browser, refused, path, answer):
    provider.answers[path] = answer
    refused(browser.sign_in(), browser, "provider-unavailable")
    assert "/elsewhere" not in [asked for asked, _ in provider.requests]


@pytest.mark.parametrize(
    "changes",
    [{"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": None}],
    ids=["another issuer", "plain http", "no keys"],
)
def test_a_discovery_document_that_cannot_be_trusted_starts_nothing(provider, browser, refused, changes):
    provider.metadata_changes = changes
    refused(browser.client.get("/oidc/authenticate/"), browser, "provider-unavailable")


@pytest.mark.parametrize("place", ["https://10.0.0.8/keys", "https://169.254.169.254/keys", "http://localhost/keys"])
def test_r32_a_discovery_document_leads_to_no_private_address(provider, browser, refused, place):
    """The provider itself may be on a private network: whoever set it up said so. What it names may not."""
    provider.metadata_changes = {"jwks_uri": place}
    refused(browser.sign_in(), browser, "provider-unavailable")


def test_a_provider_that_is_down_is_a_page_with_a_reason(provider, browser, refused, settings):
    gone = Provider()
    configure(settings, gone)
    gone.stop()
    refused(browser.client.get("/oidc/authenticate/"), browser, "provider-unavailable")


def test_a_password_posted_to_a_callback_address_signs_nobody_in(provider, browser, people, settings):
    """With both ways on, neither reads the other's input."""
    configure(settings, provider, REMIT_PASSWORD_SIGN_IN="1")
    back = urlsplit(browser.at_provider(browser.start())).query
    wrong = {"email": "dana@northwind.example", "password": "wrong"}
    assert browser.client.post(f"/sign-in/?{back}", wrong).status_code == 422
    assert browser.user is None
    assert browser.client.post(f"/oidc/callback/?{back}", wrong).status_code == 405
    assert browser.user is None
