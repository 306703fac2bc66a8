"""Sign-in at an identity provider, when all is well (R-10, T11)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import deactivate_user, link_identity
from tests.accounts.conftest import Browser, configure


def test_a_person_signs_in_and_an_account_is_made(provider, browser):
    response = browser.sign_in("/traces/")
    assert (response.status_code, response["Location"]) == (302, "/traces/")
    made = browser.user
    assert (made.issuer, made.subject) == (provider.issuer, "subject-1")
    assert (made.email, made.name) == ("noor@northwind.example", "Noor Aziz")
    assert not made.has_usable_password()
    assert not made.memberships.exists()


def test_the_same_identity_is_the_same_person_whatever_its_email(provider, browser, people):
    browser.sign_in()
    first = browser.user
    provider.person |= {"email": "dana@northwind.example", "name": "Somebody Else"}
    again = Browser(Client())
    again.sign_in()
    assert again.user == first
    first.refresh_from_db()
    assert first.email == "noor@northwind.example"


def test_the_same_subject_of_another_issuer_is_another_person(provider, browser, people):
    user = people.user("ken")
    link_identity(actor=people.actor("dana"), user=user, issuer="https://elsewhere.example", subject="subject-1")
    browser.sign_in()
    assert browser.user is not None
    assert browser.user != user


def test_a_person_linked_by_an_administrator_signs_in(provider, browser, people):
    provider.person["email"] = "ken@northwind.example"
    link_identity(actor=people.actor("dana"), user=people.user("ken"), issuer=provider.issuer, subject="subject-1")
    response = browser.sign_in("/policies/")
    assert response["Location"] == "/policies/"
    assert browser.user == people.user("ken")
    assert browser.client.get("/policies/").status_code == 200


def test_the_request_carries_state_nonce_and_pkce(provider, browser):
    query = parse_qs(urlsplit(browser.start()).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["response_type"] == ["code"]
    assert len(query["state"][0]) >= 32
    assert len(query["nonce"][0]) >= 32
    assert len(query["code_challenge"][0]) == 43
    assert "code_verifier" not in query


def test_the_address_to_return_to_is_not_made_from_the_host_header(provider, browser, settings):
    settings.ALLOWED_HOSTS = ["*"]
    address = browser.client.get("/oidc/authenticate/", headers={"host": "evil.example"})["Location"]
    assert parse_qs(urlsplit(address).query)["redirect_uri"] == [settings.REMIT_BASE_URL + "/oidc/callback/"]


def test_the_client_secret_travels_in_no_form_and_no_address(provider, browser):
    browser.sign_in()
    assert len(provider.requests) >= 5
    assert all("secret" not in str(parameters) for _, parameters in provider.requests)


def test_each_tab_returns_to_its_own_page(provider, browser):
    first, second = browser.start("/traces/"), browser.start("/approvals/")
    assert browser.client.get(browser.at_provider(first))["Location"] == "/traces/"
    assert browser.client.get(browser.at_provider(second))["Location"] == "/approvals/"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "home", "\t//evil.example"],
)
def test_only_paths_of_this_site_are_returned_to(provider, browser, elsewhere):
    response = browser.sign_in(elsewhere)
    assert (response.status_code, response["Location"]) == (302, "/")


def test_the_session_gets_a_new_key_and_holds_no_token(provider, browser):
    address = browser.start()
    before = browser.client.session.session_key
    browser.client.get(browser.at_provider(address))
    assert browser.client.session.session_key != before
    assert not {"oidc_access_token", "oidc_id_token"} & set(browser.client.session.keys())


def test_a_session_dies_with_the_account(provider, browser, people):
    browser.sign_in()
    assert browser.client.get("/sign-in/").status_code == 302
    deactivate_user(actor=people.actor("dana"), user=browser.user)
    assert browser.client.get("/sign-in/").status_code == 200
    assert "_auth_user_id" not in browser.client.session


def test_a_session_of_a_person_switched_off_by_hand_opens_nothing(provider, browser):
    """The library's own backend would still return them."""
    browser.sign_in()
    User.objects.update(is_active=False)
    assert browser.client.get("/sign-in/").status_code == 200
    assert "_auth_user_id" not in browser.client.session


def test_explicit_endpoints_need_no_discovery(provider, browser, settings):
    endpoints = {"AUTHORIZATION": "authorize", "TOKEN": "token", "USERINFO": "userinfo", "JWKS": "keys"}
    configure(settings, provider, **{f"OIDC_{n}_URL": f"{provider.issuer}/{p}" for n, p in endpoints.items()})
    provider.sends_iss = False
    browser.sign_in()
    assert browser.user.subject == "subject-1"
    assert "/.well-known/openid-configuration" not in [path for path, _ in provider.requests]


def test_several_audiences_are_accepted_when_we_are_the_authorized_party(provider, browser):
    provider.token_changes = {"aud": ["another", "remit-console"], "azp": "remit-console"}
    browser.sign_in()
    assert browser.user is not None


def test_an_email_without_a_word_about_verification_is_accepted_only_by_setting(provider, browser, settings):
    configure(settings, provider, OIDC_REQUIRE_VERIFIED_EMAIL="0")
    del provider.person["email_verified"]
    browser.sign_in()
    assert browser.user.email == "noor@northwind.example"


def test_the_password_form_is_gone_and_does_nothing(provider, browser, people):
    page = browser.client.get("/sign-in/").content.decode()
    assert "/oidc/authenticate/" in page
    assert 'type="password"' not in page
    credentials = {"email": "dana@northwind.example", "password": "a long enough password"}
    assert browser.client.post("/sign-in/", credentials).status_code == 405
    assert browser.client.login(username=credentials["email"], password=credentials["password"]) is False
    assert User.objects.filter(issuer__isnull=False).count() == 0
