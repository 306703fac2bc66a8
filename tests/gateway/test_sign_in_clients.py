"""Clients for which people sign in: who registers one, where its answers may go, and those that publish a document."""

import json

import pytest
from django.core.management import CommandError, call_command
from oauth2_provider.models import Application

from accounts.client_documents import forget_documents
from accounts.consents.redirects import RedirectRefused, checked_redirect, redirect_allowed
from accounts.models import AgentClient, Consent, PersonToken
from accounts.services import AccountRefused, name_agent_client, register_sign_in_client
from console import env
from tests.gateway.client_document import GONE, KIND
from tests.gateway.signing_in import HOSTED, App, at, pressed, refused, sent, token, works
from tests.gateway.test_client_documents import site

__all__ = ["site"]

GOOD = [
    HOSTED, "https://assistant.example:8443/a?b=c", "http://127.0.0.1/callback", "http://127.0.0.1:8000/", "http://[::1]:1/x",
    "http://localhost:8000/callback", "cursor://anysphere.cursor-mcp/oauth/callback", "vscode-insiders://a.b/c",
]  # fmt: skip
BAD = [
    "", "x", "/callback", "http://assistant.example/callback", "http://localhost/callback", "http://127.0.0.2/x", "https://*.example/x",
    "https://a@assistant.example/x", "https://assistant.example/x#y", "https://assistant.example/x y", "javascript:alert(1)",
    "data:text/html,x", "other://anysphere.cursor-mcp/oauth/callback", "cursor:x", "cursor:///x", "cursor://a@b/x", "https://assistant.example:port/x",
    "https://[::1/x",
    "https:///x", "https://assistant.example\\@other.example/x", "https://a\tb.example/x", "https://é.example/x",
    f"https://assistant.example/{'x' * 500}", f"https://{'x' * 201}/", "http://127.0.0.1.other.example/x",
]  # fmt: skip


@pytest.mark.parametrize("uri", GOOD)
def test_answers_go_over_https_or_to_the_persons_own_machine(uri):
    assert checked_redirect(uri) == uri and redirect_allowed(uri, [uri]) and not redirect_allowed(uri + "x", [uri])


@pytest.mark.parametrize("uri", BAD)
def test_and_nowhere_else(uri):
    with pytest.raises(RedirectRefused):
        checked_redirect(uri)
    assert not redirect_allowed(uri, [uri])


@pytest.mark.parametrize("value", ["javascript", "https", "cursor,data", "Cursor", "a b", "x:", "view-source"])
def test_a_scheme_that_a_browser_takes_up_itself_ends_the_start(monkeypatch, value):
    monkeypatch.setenv("REMIT_APP_SCHEMES", value)
    with pytest.raises(env.SettingError, match="REMIT_APP_SCHEMES"):
        env.schemes("REMIT_APP_SCHEMES", default="")


def test_a_scheme_is_taken_where_it_is_listed(settings):
    settings.REMIT_APP_SCHEMES = ["other"]
    assert checked_redirect("other://a.b/c")
    with pytest.raises(RedirectRefused, match="REMIT_APP_SCHEMES"):
        checked_redirect("cursor://a.b/c")


def test_only_the_port_of_a_loopback_address_is_free():
    known = ["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost:8000/callback", HOSTED]
    for uri in ("http://127.0.0.1:50123/callback", "http://[::1]:50123/callback"):
        assert redirect_allowed(uri, known)
    for uri in (
        "http://127.0.0.1:50123/callback/", "http://127.0.0.1:50123/callback?x=1", "http://localhost:8001/callback",
        "https://127.0.0.1:50123/callback", "https://assistant.example:444/callback", "http://127.0.0.1:99999999/callback",
    ):  # fmt: skip
        assert not redirect_allowed(uri, known), uri


def test_an_operator_registers_one_at_the_command_line(cast, capsys):
    name = f"northwind/{cast.agent.slug}"
    call_command("remit_agent_client", name, redirect=[HOSTED], name="Assistant", scope="read", as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert set(made) == {"client_id"}, "There is no secret to hand over."
    client = AgentClient.objects.get()
    assert client.scopes == "read" and client.application.client_type == "public"
    for wrong in (
        {"redirect": [HOSTED]}, {"redirect": ["http://x.example/"], "name": "x"}, {"redirect": [HOSTED], "name": "a\nb"},
        {"people": True}, {"redirect": [HOSTED], "document": "https://x.example/y", "name": "x"},
    ):  # fmt: skip
        with pytest.raises(CommandError):
            call_command("remit_agent_client", name, **wrong)
    with pytest.raises(AccountRefused):
        register_sign_in_client(actor=cast.actor("dana"), agent=cast.agent, name="x", redirects=[])
    assert Application.objects.count() == 1


@pytest.fixture
def published(cast, site):
    """An app that knows its client by the address of its document."""
    site.changes = {
        "token_endpoint_auth_method": "none",
        "jwks": GONE,
        "client_name": "Published",
        "redirect_uris": [HOSTED],
    }
    app = App(cast, name="Unused")
    app.client = name_agent_client(actor=cast.actor("dana"), agent=cast.agent, url=site.url, people=True)
    app.client_id = site.url
    return app


def test_a_document_names_the_app_and_where_it_is_sent_back_to(cast, site, published):
    page = at(cast, "maya").get(published.address()).content.decode()
    assert "Published" in page and f"published at {site.url.split('/')[2]}" in page
    given = published.tokens()
    assert works(given["access_token"]) and Consent.objects.get().client_name == "Published"
    refused_place = at(cast, "maya").get(published.address(redirect_uri="https://other.example/"))
    assert refused_place.status_code == 400 and len(site.asked) == 1


def test_what_the_document_says_now_counts(cast, site, published):
    code = published.code()
    site.changes |= {"redirect_uris": ["https://moved.example/x", "cursor://x", 7]}
    forget_documents()
    assert at(cast, "maya").get(published.address()).status_code == 400
    assert at(cast, "maya").get(published.address(redirect_uri="https://moved.example/x")).status_code == 200
    site.changes |= {"client_secret": "x"}
    forget_documents()
    assert at(cast, "maya").get(published.address(redirect_uri="https://moved.example/x")).status_code == 400
    refused(published.exchange(code), "invalid_client", 401)


def test_one_that_signs_has_to_sign_and_gets_nothing_by_itself(cast, site, published):
    site.changes = {"client_name": "Signing", "redirect_uris": [HOSTED]}
    code = published.code()
    refused(published.exchange(code), "invalid_client", 401)
    proof = {"client_assertion_type": KIND, "client_assertion": site.assertion()}
    assert works(published.exchange(code, **proof).json()["access_token"])
    held = PersonToken.objects.count()
    for grant in ("client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"):
        refused(token({"grant_type": grant, **proof, "client_assertion": site.assertion()}), "unauthorized_client")
    assert PersonToken.objects.count() == held


def test_an_unregistered_document_is_never_asked_for(cast, site):
    app = App(cast)
    assert at(cast, "maya").get(app.address(client_id=site.url)).status_code == 400
    assert at(cast, "omar").get(app.address(client_id=site.url)).status_code == 400
    assert token({"grant_type": "authorization_code", "code": "x", "client_id": site.url}).status_code == 401
    assert site.asked == []


def test_a_name_is_shown_as_text(cast):
    app = App(cast, name="<b>Remit</b> & friends")
    page = at(cast, "maya").get(app.address()).content.decode()
    assert "&lt;b&gt;Remit" in page and "<b>Remit" not in page
    assert sent(pressed(at(cast, "maya"), app.address()))["code"]
