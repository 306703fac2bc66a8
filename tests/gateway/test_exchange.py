"""RFC 8693: an agent gets a short token for the person whose ID token it shows, and for nobody else (A-03, M-02, M-03, R-10)."""

import json
import time
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from oauth2_provider.models import AccessToken

from accounts.clock import database_now
from accounts.models import Agent, AgentClient, PersonToken
from accounts.permissions import Role
from accounts.services import (
    add_member,
    deactivate_user,
    issue_agent_client,
    remove_member,
    revoke_agent_client,
    set_agent_state,
)  # fmt: skip
from tests.accounts.oidc_lies import AUDIENCES, ISSUERS, KEYS, SIGNATURES, SUBJECTS, TIMES, Lie
from tests.accounts.provider import CLIENT_ID
from tests.gateway.exchanging import GRANT, TYPE, Desk, post, rest
from tests.gateway.test_bad_input import problem
from traces.models import Entry

# What only the sign-in itself can find out: userinfo and access token are not shown here, and a token may be an hour old.
OF_SIGN_IN = {
    "subject of another in userinfo", "no subject in userinfo", "hash of another access token", "issued long ago",
    "subject of another in the token",
}  # fmt: skip
LIES = [lie for lie in (*SIGNATURES, *KEYS, *ISSUERS, *AUDIENCES, *TIMES, *SUBJECTS) if lie.name not in OF_SIGN_IN]


@pytest.fixture
def desk_of(cast, provider, settings) -> Desk:
    return Desk(cast, provider, settings)


def refused(answer, error: str = "invalid_request", status: int = 400) -> str:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.content
    assert answer["Cache-Control"] == "no-store" and set(answer.json()) == {"error", "error_description"}
    assert not PersonToken.objects.exists()
    return answer.json()["error_description"]


def test_a_persons_id_token_becomes_a_token_of_the_agent_for_that_person(desk_of):
    answer = desk_of.exchange()
    said = answer.json()
    assert answer["Cache-Control"] == "no-store" and answer["Pragma"] == "no-cache"
    assert said.pop("access_token").startswith("rmp_")
    assert said == {
        "issued_token_type": f"{TYPE}access_token", "token_type": "Bearer", "expires_in": 300, "scope": "agent"
    }  # fmt: skip
    made = PersonToken.objects.get()
    assert (made.person, made.agent) == (desk_of.cast.user("maya"), desk_of.cast.agent)


def test_each_exchange_is_an_act_in_the_ledger_and_no_token_is(desk_of):
    subject = desk_of.id_token()
    held = [desk_of.token(subject_token=subject, scope="read write") for _ in range(2)]
    acts = Entry.objects.filter(type="person_token.issued")
    first = acts.first().record
    assert acts.count() == 2 and first["actor"]["id"] == desk_of.cast.agent.pk
    body = first["body"]
    assert body["person"] == {"id": desk_of.cast.user("maya").pk, "name": "Maya Chen"}
    assert (body["audience"], body["scopes"]) == (settings.REMIT_AUDIENCE_REST, "read write")
    assert body["client"] == desk_of.client[0] and body["token"] == PersonToken.objects.first().name
    stored = json.dumps([row.canonical for row in Entry.objects.all()]) + str(
        [row.__dict__ for row in PersonToken.objects.all()]
    )
    for secret in (*held, subject, subject.split(".")[2], held[0].split("_", 2)[2]):
        assert secret not in stored


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_r10_no_lie_of_a_provider_becomes_a_token(desk_of, lie: Lie):
    lie.tell(desk_of.provider)
    refused(desk_of.exchange(subject_token=str(desk_of.id_token())))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"act": {"sub": "another-agent"}}, "delegated-already"),
        ({"may_act": {"sub": "another-agent"}}, "delegated-already"),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, "not-an-id-token"),
        ({"sub": "subject-lena"}, "no-member"),
        ({"sub": "subject-nobody"}, "no-member"),
        ({"iat": int(time.time()) - 90_000}, "wrong-issue-time"),
        ({"exp": int(time.time()) - 1}, "expired"),
        ({"exp": float("nan")}, "expired"),
        ({"aud": ["remit-console", "other"], "azp": "other"}, "wrong-audience"),
    ],
)
def test_a_true_token_that_is_no_persons_word_here_is_refused(desk_of, changes, kind):
    assert kind in refused(desk_of.exchange(subject_token=desk_of.id_token(**changes)))


def test_an_access_token_of_the_provider_is_no_id_token(desk_of):
    desk_of.provider.header = {**desk_of.provider.header, "typ": "at+jwt"}
    assert "not-an-id-token" in refused(desk_of.exchange())


def test_audiences_are_a_list_that_is_empty_until_somebody_fills_it(desk_of, settings):
    settings.REMIT_EXCHANGE_AUDIENCES = ()
    assert "not-set-up" in refused(desk_of.exchange())
    settings.REMIT_EXCHANGE_AUDIENCES = ("another-app",)
    assert "wrong-audience" in refused(desk_of.exchange())
    settings.REMIT_EXCHANGE_AUDIENCES = ("another-app", CLIENT_ID)
    several = desk_of.id_token(aud=["another-app", CLIENT_ID], azp="another-app")
    assert desk_of.exchange(subject_token=several).status_code == 200


def test_without_a_provider_nobody_is_exchanged(desk_of, settings):
    settings.REMIT_OIDC_ENABLED = False
    assert "not-set-up" in refused(desk_of.exchange())


def test_a_provider_that_does_not_answer_is_no_yes(desk_of):
    desk_of.provider.answers = {"/keys": (503, {}, b"")}
    assert "provider-unavailable" in refused(desk_of.exchange())


def test_the_token_never_outlives_the_persons(desk_of):
    short = desk_of.id_token(exp=int(time.time()) + 30)
    assert desk_of.exchange(subject_token=short).json()["expires_in"] <= 30
    assert desk_of.exchange(subject_token=desk_of.id_token(exp=10**15)).json()["expires_in"] == 300


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"resource": None}, "invalid_target"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ({"resource": f"{settings.REMIT_AUDIENCE_MCP}/"}, "invalid_target"),
        ({"resource": [settings.REMIT_AUDIENCE_MCP, settings.REMIT_AUDIENCE_REST]}, "invalid_target"),
        ({"audience": "https://other.example"}, "invalid_target"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": f"{TYPE}access_token"}, "invalid_request"),
        ({"subject_token_type": f"{TYPE}saml2"}, "invalid_request"),
        ({"requested_token_type": f"{TYPE}refresh_token"}, "invalid_request"),
        ({"requested_token_type": f"{TYPE}jwt"}, "invalid_request"),
        ({"actor_token": "rmt_x"}, "invalid_request"),
        ({"actor_token_type": f"{TYPE}access_token"}, "invalid_request"),
        ({"actor_token": "rmt_x", "actor_token_type": f"{TYPE}access_token"}, "invalid_request"),
        ({"subject_token": "x" * 20_000}, "invalid_request"),
        ({"subject_token": "a\x00b"}, "invalid_request"),
        ({"subject_token": "x" * 40_000}, "invalid_request"),
        ({"junk": "x" * 300_000}, "invalid_request"),
    ],
)
def test_errors_are_those_of_the_standards(desk_of, more, error):
    refused(desk_of.exchange(**more), error)


def test_a_parameter_may_be_there_once(desk_of):
    form, other = urlencode(desk_of.form()), desk_of.id_token("dana")
    for twice in (f"subject_token={other}", f"grant_type={GRANT}", "scope=read&scope=agent"):
        refused(post("/oauth/token/", f"{form}&{twice}", desk_of.client))


def test_only_the_agents_client_asks_in_one_way_and_as_a_form(desk_of):
    refused(desk_of.exchange(client=(desk_of.client[0], "wrong")), "invalid_client", 401)
    refused(desk_of.exchange(client=("nobody", "x")), "invalid_client", 401)
    refused(desk_of.exchange(client_secret=desk_of.client[1]))
    as_json = Client().post("/oauth/token/", json.dumps(desk_of.form()), content_type="application/json")
    refused(as_json)
    set_agent_state(actor=desk_of.cast.actor("dana"), agent=desk_of.cast.agent, state=Agent.State.DISABLED)
    refused(desk_of.exchange(), "unauthorized_client")


def test_the_client_is_the_actor_and_an_actor_token_can_only_say_so_again(desk_of, cast):
    own = {"actor_token": cast.token, "actor_token_type": f"{TYPE}access_token"}
    assert desk_of.exchange(**own).status_code == 200
    PersonToken.objects.all().delete()
    refused(desk_of.exchange(**own | {"actor_token": cast.tokens["front-desk-agent"]}))
    # Delegation goes one step: what an agent got for a person makes it nobody else's actor.
    acting = desk_of.token()
    assert desk_of.exchange(**own | {"actor_token": acting}).json()["error"] == "invalid_request"
    assert desk_of.exchange(subject_token=acting).json()["error"] == "invalid_request"


def test_another_workspaces_agent_gets_nothing_for_this_person(desk_of, cast):
    other = issue_agent_client(actor=cast.agent_actor, agent=cast.agents["front-desk-agent"])
    assert "no-member" in refused(desk_of.exchange(client=other))
    assert desk_of.exchange("lena", client=other).status_code == 200


def test_it_opens_its_address_until_it_is_revoked(desk_of):
    held = desk_of.token()
    assert rest(held).status_code == 200
    assert problem(rest(desk_of.mcp_token()), 401)["type"].endswith("wrong-audience")
    assert post("/oauth/revoke/", {"token": held}, desk_of.client).status_code == 200
    assert problem(rest(held), 401)["type"].endswith("revoked-token")
    assert Entry.objects.filter(type="person_token.revoked").count() == 1
    assert post("/oauth/revoke/", {"token": held}, desk_of.client).status_code == 200
    assert Entry.objects.filter(type="person_token.revoked").count() == 1


def test_another_agents_client_revokes_nothing_and_learns_nothing(desk_of, cast):
    other = issue_agent_client(actor=cast.agent_actor, agent=cast.agents["front-desk-agent"])
    held = desk_of.token()
    unknown = post("/oauth/revoke/", {"token": held[:-1] + "A"}, other)
    theirs = post("/oauth/revoke/", {"token": held}, other)
    assert (theirs.status_code, theirs.content) == (unknown.status_code, unknown.content) == (200, b"")
    assert rest(held).status_code == 200
    assert post("/oauth/revoke/", {"token": held}, (other[0], "wrong")).status_code == 401


def _deactivate(desk_of) -> None:
    deactivate_user(actor=desk_of.cast.actor("dana"), user=desk_of.cast.user("maya"))


def _remove(desk_of) -> None:
    who = {"workspace": desk_of.cast.northwind, "user": desk_of.cast.user("maya"), "role": Role.MEMBER}
    remove_member(actor=desk_of.cast.actor("dana"), **who)
    add_member(actor=desk_of.cast.actor("dana"), **who)  # What was ended stays ended.


def _disable(desk_of) -> None:
    set_agent_state(actor=desk_of.cast.actor("dana"), agent=desk_of.cast.agent, state=Agent.State.DISABLED)


def _end_client(desk_of) -> None:
    revoke_agent_client(actor=desk_of.cast.actor("dana"), client=AgentClient.objects.get())


def _expire(desk_of) -> None:
    PersonToken.objects.update(expires_at=database_now() - timedelta(seconds=1))


def _lose_client(desk_of) -> None:
    PersonToken.objects.update(client=None)


@pytest.mark.parametrize("end", [_deactivate, _remove, _disable, _end_client, _expire, _lose_client])
def test_what_ended_opens_nothing_at_the_next_call(desk_of, end):
    held = desk_of.token()
    assert rest(held).status_code == 200
    end(desk_of)
    assert rest(held).status_code == 401


def test_no_token_is_read_that_looks_alike(desk_of):
    held = desk_of.token()
    last = "A" if held[-1] != "A" else "B"
    for wrong in (held[:-1], held + "A", held[:-1] + last, held.replace("rmp", "rmt"), f"rmp_{'0' * 8}_{'a' * 43}"):
        assert rest(wrong).status_code == 401
    assert not AccessToken.objects.exists()


def test_the_grant_is_in_the_metadata(db):
    found = Client().get("/.well-known/oauth-authorization-server").json()
    assert GRANT in found["grant_types_supported"] and {"agent", "read", "write"} <= set(found["scopes_supported"])
