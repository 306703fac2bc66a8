"""Clients named by an address: only registered ones on listed hosts are asked for, and they prove themselves by their keys."""

import json
import time
from io import StringIO
from urllib.parse import urlencode

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OctKey
from oauth2_provider.models import Application

from accounts.client_documents import DocumentRefused, checked_url, forget_documents
from accounts.models import AgentClient, ClientAssertion
from accounts.services import AccountRefused, issue_agent_client, name_agent_client, revoke_agent_client
from tests.gateway.client_document import GONE, KIND, Site, new_key
from tests.gateway.exchanging import FORM, Desk
from tests.gateway.test_oauth import listed


@pytest.fixture
def site(settings):
    settings.REMIT_CIMD_HOSTS, settings.REMIT_CIMD_ALLOW_PRIVATE = ["127.0.0.1"], True
    forget_documents()
    running = Site()
    yield running
    running.stop()


@pytest.fixture
def named(cast, site):
    return name_agent_client(actor=cast.agent_actor, agent=cast.agent, url=site.url)


def ask(assertion: str, *, path="/oauth/token", headers=None, **more):
    form = {"grant_type": "client_credentials", "resource": configured.REMIT_AUDIENCE_MCP}
    form |= {"client_assertion_type": KIND, "client_assertion": assertion, **more}
    told = urlencode(form)
    return Client().post(path, told, content_type=FORM, headers=headers or {})


def refused(answer) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.content


def test_a_signed_assertion_gets_the_agents_token_once(cast, site, named):
    shown = site.assertion()
    answer = ask(shown)
    assert answer.status_code == 200, answer.content
    assert listed(answer.json()["access_token"]).json() == listed(cast.token).json()
    refused(ask(shown))
    assert ask(site.assertion()).status_code == 200 and len(site.asked) == 1, "A document is asked for once in a while."


def test_it_is_off_and_the_metadata_says_so_until_hosts_are_listed(cast, site, named, settings):
    place = "/.well-known/oauth-authorization-server"
    on = Client().get(place).json()
    assert on["client_id_metadata_document_supported"] is True
    assert "private_key_jwt" in on["token_endpoint_auth_methods_supported"]
    assert on["token_endpoint_auth_signing_alg_values_supported"] == ["RS256", "PS256", "ES256"]
    settings.REMIT_CIMD_HOSTS = []
    off = Client().get(place).json()
    assert off["client_id_metadata_document_supported"] is False and "private_key_jwt" not in json.dumps(off)
    refused(ask(site.assertion()))
    assert site.asked == []
    with pytest.raises(AccountRefused, match="REMIT_CIMD_HOSTS"):
        name_agent_client(actor=cast.agent_actor, agent=cast.agent, url=site.url + "2")


def test_nobody_makes_remit_ask_an_address_by_naming_it(cast, site):
    refused(ask(site.assertion()))
    issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
    refused(ask(site.assertion(), client_id=AgentClient.objects.get().application.client_id))
    assert site.asked == [] and Application.objects.count() == 1


WRONG = {
    "another's key": lambda site: site.assertion(key=new_key("one")),
    "another issuer": lambda site: site.assertion(iss="https://other.example/client.json"),
    "another server": lambda site: site.assertion(aud="https://other.example/oauth/token"),
    "two servers": lambda site: site.assertion(aud=[configured.REMIT_BASE_URL, "https://other.example"]),
    "no server": lambda site: site.assertion(aud=GONE),
    "expired": lambda site: site.assertion(exp=int(time.time()) - 120, iat=int(time.time()) - 200),
    "no end": lambda site: site.assertion(exp=GONE),
    "too long a life": lambda site: site.assertion(exp=int(time.time()) + 3600),
    "an endless life": lambda site: site.assertion(exp=1e300),
    "made long ago": lambda site: site.assertion(iat=int(time.time()) - 3600),
    "no id": lambda site: site.assertion(jti=GONE),
    "an id that is none": lambda site: site.assertion(jti={"a": 1}),
    "no signature": lambda site: site.assertion().rsplit(".", 1)[0] + ".",
    "a shared secret": lambda site: jwt.encode(
        {"alg": "HS256", "kid": "one"}, {"iss": site.url, "sub": site.url}, OctKey.import_key(json.dumps(site.keys[0]))
    ),
    "no token": lambda site: "x",
    "a long one": lambda site: "x" * 9000,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_assertion_that_proves_nothing_gets_nothing(site, named, wrong):
    refused(ask(WRONG[wrong](site)))
    assert not ClientAssertion.objects.exists()


DOCUMENTS = {
    "of another client": {"client_id": "https://other.example/client.json"},
    "with a secret": {"client_secret": "x"},
    "of a public client": {"token_endpoint_auth_method": "none"},
    "without keys": {"jwks": {"keys": []}},
    "with keys twice": {"jwks_uri": "http://127.0.0.1/keys.json"},
    "with keys elsewhere": {"jwks": GONE, "jwks_uri": "https://other.example/keys.json"},
    "with a list": {"jwks": [1]},
}


@pytest.mark.parametrize("changes", DOCUMENTS)
def test_a_document_that_says_something_else_proves_nobody(site, named, changes):
    site.changes = DOCUMENTS[changes]
    refused(ask(site.assertion()))


def test_a_document_that_shows_its_private_key_proves_nobody(site, named):
    site.keys = [site.key.as_dict(private=True)]
    refused(ask(site.assertion()))


ANSWERS = {
    "redirected": (302, {"Location": "/elsewhere"}, b""),
    "gone": (404, {"Content-Type": "application/json"}, b"{}"),
    "a page": (200, {"Content-Type": "text/html"}, b"{}"),
    "too large": (200, {"Content-Type": "application/json"}, b'"' + b"x" * 20_000 + b'"'),
    "no JSON": (200, {"Content-Type": "application/json"}, b"{"),
    "nested": (200, {"Content-Type": "application/json"}, b"[" * 16_000),
    "said twice": (200, {"Content-Type": "application/json"}, b'{"client_id": "a", "client_id": "b"}'),
    "no object": (200, {"Content-Type": "application/json"}, b"[]"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_no_document_proves_nobody(site, named, kind):
    site.answer = ANSWERS[kind]
    refused(ask(site.assertion()))
    assert site.asked == ["/refunds/client.json"]


def test_keys_may_stand_beside_the_document_and_change_without_anybody_here(site, named):
    site.changes = {"jwks": GONE, "jwks_uri": site.url.replace("/refunds/client.json", "/keys.json")}
    old, new = site.key, new_key("two")
    site.keys.append(new.as_dict(private=False))
    assert ask(site.assertion(key=old)).status_code == ask(site.assertion(key=new)).status_code == 200
    site.keys = [new.as_dict(private=False)]
    forget_documents()
    refused(ask(site.assertion(key=old)))
    assert ask(site.assertion(key=new)).status_code == 200


def test_who_proves_themselves_twice_or_by_a_secret_has_not(site, named):
    refused(ask(site.assertion(), client_secret="x"))
    refused(ask(site.assertion(), headers={"Authorization": "Basic eDp5"}))
    refused(ask(site.assertion(), client_id="somebody else"))
    refused(ask(site.assertion(), client_assertion_type="urn:other"))


def test_a_person_is_exchanged_for_and_a_token_revoked_by_assertion_too(cast, provider, settings, site, named):
    desk = Desk(cast, provider, settings)
    form = desk.form(resource=configured.REMIT_AUDIENCE_MCP)
    held = ask(site.assertion(), **form)
    assert held.status_code == 200 and listed(held.json()["access_token"]).status_code == 200
    assert ask(site.assertion(), path="/oauth/revoke", token=held.json()["access_token"]).status_code == 200
    assert listed(held.json()["access_token"]).status_code == 401
    own = ask(site.assertion()).json()["access_token"]
    assert ask(site.assertion(), path="/oauth/revoke", token=own).status_code == 200
    assert listed(own).status_code == 401


def test_a_revoked_client_is_asked_for_no_more(cast, site, named):
    held = ask(site.assertion()).json()["access_token"]
    revoke_agent_client(actor=cast.agent_actor, client=named)
    forget_documents()
    refused(ask(site.assertion()))
    assert listed(held).status_code == 401 and len(site.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/client.json", "http://127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/a/../b",
        "http://127.0.0.1/a#b", "http://u:p@127.0.0.1/a", "ftp://127.0.0.1/a", "http://127.0.0.1/" + "a" * 260, "client", "",
        "http://169.254.169.254/latest",
    ],
)  # fmt: skip
def test_an_address_that_cannot_name_a_client(site, url):
    with pytest.raises(DocumentRefused):
        checked_url(url)


def test_r32_without_the_setting_no_private_address_and_no_http(site, named, settings):
    settings.REMIT_CIMD_ALLOW_PRIVATE = False
    with pytest.raises(DocumentRefused, match="https"):
        checked_url(site.url)
    refused(ask(site.assertion()))
    assert site.asked == []


def test_the_command_names_a_client_and_prints_no_secret(cast, site):
    out = StringIO()
    call_command("remit_agent_client", f"northwind/{cast.agent.slug}", "--json", document=site.url, stdout=out)
    assert json.loads(out.getvalue()) == {"client_id": site.url}
    assert ask(site.assertion()).status_code == 200
    for url in (site.url, "https://other.example/a"):
        with pytest.raises(CommandError):
            call_command("remit_agent_client", f"northwind/{cast.agent.slug}", document=url)
