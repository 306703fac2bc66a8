"""Tokens of what a person allowed: a code and each refresh token work once, for the client, address and verifier they were made
for, and all end at once with the person, the agent, the client or the consent (RFC 6749, RFC 7636, RFC 9700 section 4).
"""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F
from django.test import Client
from oauth2_provider.models import AccessToken, RefreshToken

from accounts.consents.services import end_consent
from accounts.models import Agent, Consent, ConsentRefresh, PersonToken
from accounts.permissions import Role
from accounts.services import (
    add_member,
    deactivate_user,
    remove_member,
    revoke_agent_client,
    set_agent_state,
)
from tests.gateway.exchanging import FORM, rest
from tests.gateway.mcp_client import modern
from tests.gateway.signing_in import HOSTED, App, refused, token, works
from traces.models import Entry

DAY = timedelta(days=1)


@pytest.fixture
def app(cast):
    return App(cast)


def test_a_code_gives_a_short_token_of_the_agent_for_the_person_and_one_to_refresh_it(cast, app):
    given = app.tokens()
    assert given["token_type"] == "Bearer" and given["expires_in"] == 300 and given["scope"] == "agent"
    held = PersonToken.objects.get()
    assert (held.person, held.agent, held.audience) == (cast.user("maya"), cast.agent, settings.REMIT_AUDIENCE_MCP)
    assert works(given["access_token"]) and held.consent == Consent.objects.get()
    assert rest(given["access_token"]).status_code == 401, "It is for one address."
    stored = json.dumps([row.canonical for row in Entry.objects.all()]) + str(
        [vars(row) for model in (Consent, ConsentRefresh, PersonToken) for row in model.objects.all()]
    )
    assert given["access_token"] not in stored and given["refresh_token"] not in stored
    assert not AccessToken.objects.exists() and not RefreshToken.objects.exists()


def test_what_it_reaches_is_what_client_and_person_may_both(cast):
    asked = "agent read draft write side_effect continuous"  # As clients do that read the metadata.
    narrow = App(cast, scopes="read write")
    assert narrow.tokens(scope=asked)["scope"] == "read write"
    given = narrow.tokens("ava", scope=asked)
    assert given["scope"] == "read", "An auditor only reads."
    assert narrow.refresh(given["refresh_token"], scope=asked).json()["scope"] == "read"
    assert App(cast).tokens(scope="read")["scope"] == "read"


WRONG = {
    "another verifier": ({"code_verifier": "x" * 43}, "invalid_grant"),
    "no verifier": ({"code_verifier": None}, "invalid_request"),
    "another address": ({"redirect_uri": "http://127.0.0.1/callback"}, "invalid_request"),
    "no address": ({"redirect_uri": None}, "invalid_request"),
    "another resource": ({"resource": settings.REMIT_AUDIENCE_REST}, "invalid_target"),
    "two resources": ({"resource": [settings.REMIT_AUDIENCE_MCP, settings.REMIT_AUDIENCE_REST]}, "invalid_target"),
    "another code": ({"code": "x"}, "invalid_grant"),
    "no code": ({"code": None}, "invalid_request"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_code_is_bound_to_all_that_was_asked(app, wrong):
    more, error = WRONG[wrong]
    code = app.code()
    form = {"code": code} | more
    refused(app.exchange(form.pop("code"), **form), error)
    assert not PersonToken.objects.exists()


def test_a_code_is_its_clients_own_and_a_client_is_named(cast, app):
    code, other = app.code(), App(cast, name="Other")
    refused(app.exchange(code, client_id=other.client_id), "invalid_grant")
    refused(app.exchange(code, client_id="nobody"), "invalid_client", 401)
    refused(app.exchange(code, client_secret="guessed"), "invalid_client", 401)
    given = app.exchange(code, resource=None).json()
    refused(app.refresh(given["refresh_token"], client_id=other.client_id), "invalid_grant")
    assert works(given["access_token"]), "What another client shows ends nothing."


def test_a_code_lives_a_minute(app):
    code = app.code()
    assert Consent.objects.get().code_expires_at - Consent.objects.get().given_at == timedelta(seconds=60)
    Consent.objects.update(code_expires_at=F("given_at"))
    refused(app.exchange(code), "invalid_grant")


def test_a_code_shown_twice_ends_what_came_of_it(app):
    code = app.code()
    given = app.exchange(code).json()
    refused(app.exchange(code), "invalid_grant")
    assert not works(given["access_token"])
    refused(app.refresh(given["refresh_token"]), "invalid_grant")
    assert ended() == ["its code was shown twice"]


def ended() -> list[str]:
    return [json.loads(entry.canonical)["body"]["why"] for entry in Entry.objects.filter(type="consent.ended")]


def test_a_refresh_token_is_rotated_and_its_second_use_ends_the_family(app):
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"] and works(second["access_token"])
    assert works(first["access_token"]), "What was asked with it stands for its minutes."
    third = app.refresh(second["refresh_token"]).json()
    refused(app.refresh(first["refresh_token"]), "invalid_grant")
    assert not any(works(given["access_token"]) for given in (first, second, third))
    refused(app.refresh(third["refresh_token"]), "invalid_grant")
    assert ended() == ["a refresh token was shown twice"]


def test_refreshing_ends_after_eight_hours_and_no_token_outlives_them(app):
    given = app.tokens()
    made = Consent.objects.get()
    assert made.expires_at - made.given_at == timedelta(hours=8)
    Consent.objects.update(expires_at=F("given_at") + timedelta(seconds=120))
    next_ = app.refresh(given["refresh_token"]).json()
    assert next_["expires_in"] <= 120
    Consent.objects.update(expires_at=F("given_at") - DAY)
    refused(app.refresh(next_["refresh_token"]), "invalid_grant")


def _signs_out(cast, app):
    end_consent(actor=cast.actor("maya"), consent=Consent.objects.get(), why="by the person")


def _disables(cast, app):
    set_agent_state(actor=cast.actor("dana"), agent=cast.agent, state=Agent.State.DISABLED)


ENDS = {
    "the person is deactivated": lambda cast, app: deactivate_user(actor=cast.actor("dana"), user=cast.user("maya")),
    "the person leaves": lambda cast, app: remove_member(
        actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.MEMBER
    ),
    "the agent is disabled": _disables,
    "the client is revoked": lambda cast, app: revoke_agent_client(actor=cast.actor("dana"), client=app.client),
    "the person ends it": _signs_out,
}


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_at_once_when(cast, app, how):
    given, other = app.tokens(), app.code()
    Consent.objects.filter(code_used_at=None).delete() if how == "the person ends it" else None
    ENDS[how](cast, app)
    assert not works(given["access_token"])
    for answer in (app.refresh(given["refresh_token"]), app.exchange(other)):
        assert answer.status_code in {400, 401} and "access_token" not in answer.json()
    assert (
        not Consent.objects.filter(ended_at=None).exists() and not PersonToken.objects.filter(revoked_at=None).exists()
    )


def test_who_comes_back_has_to_allow_it_anew(cast, app):
    given = app.tokens()
    _disables(cast, app)
    set_agent_state(actor=cast.actor("dana"), agent=cast.agent, state=Agent.State.ACTIVE)
    remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.MEMBER)
    add_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.MEMBER)
    assert not works(given["access_token"])
    refused(app.refresh(given["refresh_token"]), "invalid_grant")


def test_a_client_signs_itself_out_without_a_secret_and_nobody_elses(cast, app):
    given, other = app.tokens(), App(cast, name="Other")
    assert revoked(other.client_id, given["refresh_token"]) == 200 and works(given["access_token"])
    assert revoked("nobody", given["refresh_token"]) == 401
    next_ = app.refresh(given["refresh_token"]).json()
    assert revoked(app.client_id, next_["refresh_token"]) == 200
    assert not works(given["access_token"]) and not works(next_["access_token"])
    refused(app.refresh(next_["refresh_token"]), "invalid_grant")


def revoked(client_id: str, held: str) -> int:
    body = f"token={held}&client_id={client_id}"
    return Client().post("/oauth/revoke", body, content_type=FORM).status_code


def test_such_a_client_gets_nothing_by_itself(app):
    for grant in ("client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange", "password"):
        answer = token({"grant_type": grant, "client_id": app.client_id, "resource": settings.REMIT_AUDIENCE_MCP})
        assert answer.status_code in {400, 401} and "access_token" not in answer.json(), grant


def test_no_form_makes_a_token_of_a_consent_by_naming_one(cast, app):
    """What a form says is an attribute of the library's request too."""
    app.code()
    made = Consent.objects.get()
    for name, value in (("consent", made.pk), ("audience", "x"), ("user", cast.user("dana").pk), ("scopes", "agent")):
        answer = app.exchange("x", **{name: value})
        refused(answer, "invalid_grant")
    assert not PersonToken.objects.exists()


def test_the_agents_call_says_who_allowed_it_and_a_right_that_is_gone_is_gone(cast, app):
    held = app.tokens()["access_token"]
    answer = modern("tools/call", {"name": "desk.order.get", "arguments": {"order_id": "48213"}}, held)
    assert answer.json()["result"]["structuredContent"]["decision"] == "executed", answer.content
    trace = Entry.objects.filter(type="trace.opened").latest("at").trace
    assert trace.on_behalf_of == cast.user("maya") and trace.agent == cast.agent
    other = modern("tools/call", {"name": "trace_open", "arguments": {"intent": "x", "on_behalf_of": HOSTED}}, held)
    assert trace.on_behalf_of == cast.user("maya") and other.status_code == 200
