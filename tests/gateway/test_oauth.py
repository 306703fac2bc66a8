"""Agents by OAuth: a client's own credentials, a token for one address, refused at once when revoked (T12, M-02, M-03)."""

import base64
import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from oauth2_provider.models import AccessToken, Application

from accounts.clock import database_now
from accounts.models import Agent, AgentClient
from accounts.services import issue_agent_client, revoke_agent_client, set_agent_state
from tests.gateway.exchanging import GRANT
from tests.gateway.mcp_client import modern
from tests.gateway.test_bad_input import problem

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client_of(cast):
    return issue_agent_client(actor=cast.agent_actor, agent=cast.agent)


def ask(client_of, *, resource=settings.REMIT_AUDIENCE_MCP, grant="client_credentials", **more):
    basic = base64.b64encode(":".join(client_of).encode()).decode()
    body = "&".join(
        f"{name}={value}" for name, value in {"grant_type": grant, "resource": resource, **more}.items() if value
    )
    return Client().post("/oauth/token/", body, content_type=FORM, headers={"Authorization": f"Basic {basic}"})


def token(client_of, **how) -> str:
    answer = ask(client_of, **how)
    assert answer.status_code == 200, answer.content
    assert answer.json()["expires_in"] <= 600 and "refresh_token" not in answer.json()
    return answer.json()["access_token"]


def listed(held: str):
    return modern("tools/list", {}, held)


def rest(held: str):
    return Client().get("/api/v1/tools", headers={"Authorization": f"Bearer {held}"})


def test_a_clients_token_is_its_agent_at_the_address_it_was_asked_for_and_nowhere_else(cast, client_of):
    mcp, api = token(client_of), token(client_of, resource=settings.REMIT_AUDIENCE_REST)
    assert listed(mcp).json()["result"]["tools"] == listed(cast.token).json()["result"]["tools"]
    assert rest(api).json() == rest(cast.token).json()
    assert problem(rest(mcp), 401)["type"].endswith("wrong-audience") and listed(api).status_code == 401


@pytest.mark.parametrize("resource", ["", "https://other.example/mcp", f"{settings.REMIT_AUDIENCE_MCP}/x"])
def test_m03_a_token_for_no_address_or_another_opens_nothing(cast, client_of, resource):
    held = token(client_of, resource=resource)
    assert listed(held).status_code == rest(held).status_code == 401


def test_neither_token_nor_secret_is_in_the_database(cast, client_of):
    held = token(client_of)
    row, application = AccessToken.objects.get(), Application.objects.get()
    assert row.token == "" and held not in str(row.__dict__) and row.user is None
    assert client_of[1] not in application.client_secret and application.hash_client_secret


def test_what_ended_is_refused_at_the_next_call(cast, client_of):
    held = token(client_of)
    AccessToken.objects.update(expires=database_now() - timedelta(seconds=1))
    assert "expired" in problem(listed(held), 401)["detail"]
    held = token(client_of)
    basic = base64.b64encode(":".join(client_of).encode()).decode()
    Client().post("/oauth/revoke/", f"token={held}", content_type=FORM, headers={"Authorization": f"Basic {basic}"})
    assert listed(held).status_code == 401
    held = token(client_of)
    set_agent_state(actor=cast.agent_actor, agent=cast.agent, state=Agent.State.DISABLED)
    assert listed(held).status_code == 401
    set_agent_state(actor=cast.agent_actor, agent=cast.agent, state=Agent.State.ACTIVE)
    assert listed(held).status_code == 200
    revoke_agent_client(actor=cast.agent_actor, client=AgentClient.objects.get())
    assert listed(held).status_code == 401 and ask(client_of).status_code == 401
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "grant",
    ["password", "authorization_code", "implicit", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
)
def test_no_other_grant_is_given(cast, client_of, grant):
    more = {
        "username": "priya@northwind.example",
        "password": "a long enough password",
        "code": "x",
        "refresh_token": "x",
    }
    assert ask(client_of, grant=grant, **more, redirect_uri="https://x.example", device_code="x").status_code in {
        400,
        401,
    }
    assert not AccessToken.objects.exists()


def test_a_wrong_secret_gets_nothing(cast, client_of):
    assert ask((client_of[0], "wrong")).status_code == 401 and ask(("nobody", "x")).status_code == 401


def test_rfc9728_and_rfc8414_lead_from_a_401_to_the_token_endpoint(cast):
    refused = modern("tools/list", {}, "")
    assert refused.status_code == 401
    place = refused["WWW-Authenticate"].split('resource_metadata="')[1].rstrip('"')
    found = Client().get(place.removeprefix(settings.REMIT_BASE_URL)).json()
    assert found["resource"] == settings.REMIT_AUDIENCE_MCP and found["bearer_methods_supported"] == ["header"]
    assert found["authorization_servers"] == [settings.REMIT_BASE_URL]
    server = Client().get("/.well-known/oauth-authorization-server", headers={"Host": "localhost"}).json()
    assert server["issuer"] == settings.REMIT_BASE_URL  # nothing of it comes from the Host header.
    assert server["token_endpoint"].startswith(f"{settings.REMIT_BASE_URL}/oauth/token")
    assert server["grant_types_supported"] == ["client_credentials", GRANT, "authorization_code", "refresh_token"]
    assert server["authorization_endpoint"].startswith(f"{settings.REMIT_BASE_URL}/oauth/authorize")
    assert server["response_types_supported"] == ["code"] and server["code_challenge_methods_supported"] == ["S256"]
    assert server["authorization_response_iss_parameter_supported"] is True
    assert "none" in server["token_endpoint_auth_methods_supported"] and "registration_endpoint" not in server
    assert Client().get("/.well-known/oauth-protected-resource/elsewhere").status_code == 404


def test_m02_a_token_in_the_query_string_is_not_read(cast, client_of):
    held = token(client_of, resource=settings.REMIT_AUDIENCE_REST)
    assert Client().get(f"/api/v1/tools?access_token={held}").status_code == 401


def test_an_operator_gives_and_ends_a_client_at_the_command_line(cast, capsys):
    name = f"northwind/{cast.agent.slug}"
    call_command("remit_agent_client", name, "--json")
    made = json.loads(capsys.readouterr().out)
    held = token((made["client_id"], made["client_secret"]))
    assert listed(held).status_code == 200
    call_command("remit_agent_client", name, revoke=made["client_id"])
    assert listed(held).status_code == 401
    for wrong in ({"agent": "northwind/none"}, {"agent": name, "revoke": "nobody"}):
        with pytest.raises(CommandError):
            call_command("remit_agent_client", wrong.pop("agent"), **wrong)


HELD = "client_id=%00&client_secret=%00", "client_id=x&client_secret=y&scope=%00", "a%00=b", "token=%00"


@pytest.mark.parametrize("path", ["token", "revoke"])
def test_r05_what_no_database_holds_is_refused_and_no_fault_of_ours(cast, client_of, path):
    nul, own = (base64.b64encode(text.encode()).decode() for text in ("\0:\0", ":".join(client_of)))
    for body in HELD:
        for grant in ("client_credentials", GRANT):
            answer = Client().post(f"/oauth/{path}", f"grant_type={grant}&{body}", content_type=FORM)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
            head = {"Authorization": f"Basic {own}"}
            answer = Client().post(
                f"/oauth/{path}", f"grant_type={grant}&resource=%00", content_type=FORM, headers=head
            )
            assert answer.status_code == 400
    for body in ("grant_type=client_credentials&token=x", f"grant_type={GRANT}&token=rmp_x"):
        answer = Client().post(f"/oauth/{path}", body, content_type=FORM, headers={"Authorization": f"Basic {nul}"})
        assert answer.status_code in {400, 401} and answer.json()["error"]
