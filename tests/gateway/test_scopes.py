"""What a client may, whoever it asks for; and that giving and ending one is an act (A-03, A-07)."""

import pytest
from django.core.management import CommandError, call_command
from oauth2_provider.models import AccessToken

from accounts.models import AgentClient
from accounts.services import AccountRefused, issue_agent_client, revoke_agent_client
from tests.accounts import test_acts
from tests.gateway.exchanging import Desk
from tests.gateway.test_oauth import ask, listed, token
from traces.models import Entry

no_recorder = test_acts.no_recorder


@pytest.fixture
def reader(cast) -> tuple[str, str]:
    return issue_agent_client(actor=cast.actor("dana"), agent=cast.agent, scopes="read draft")


def test_a_client_asks_for_what_it_may_and_gets_that_when_it_asks_for_nothing(reader):
    assert ask(reader).json()["scope"] == "read draft"
    assert ask(reader, scope="read").json()["scope"] == "read"


@pytest.mark.parametrize("wider", ["agent", "write", "read+write", "admin", "read+agent"])
def test_no_client_widens_its_scopes(reader, wider):
    answer = ask(reader, scope=wider)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_an_exchange_gives_no_more_than_the_client_may(cast, provider, settings, reader):
    desk = Desk(cast, provider, settings)
    assert desk.exchange(client=reader).json()["scope"] == "read draft"
    assert desk.exchange(client=reader, scope="agent").json()["scope"] == "read draft"
    assert desk.exchange(client=reader, scope="draft write").json()["scope"] == "draft"
    assert desk.exchange(client=reader, scope="write").json()["error"] == "invalid_scope"


def test_a_clients_own_narrower_token_lists_less(cast, reader):
    tools = listed(token(reader, scope="read")).json()["result"]["tools"]
    assert {tool["_meta"]["remit/effect_class"] for tool in tools if "_meta" in tool} == {"read"}


@pytest.mark.parametrize("scope", ["", "of_another_release"])
def test_a_token_of_no_scope_that_is_left_opens_nothing(reader, scope):
    held = token(reader)
    AccessToken.objects.update(scope=scope)
    assert listed(held).status_code == 401


def test_giving_and_ending_a_client_are_acts_that_name_it_and_no_secret(cast):
    client_id, secret = issue_agent_client(actor=cast.actor("dana"), agent=cast.agent)
    revoke_agent_client(actor=cast.actor("dana"), client=AgentClient.objects.get())
    rows = Entry.objects.filter(type__startswith="agent_client.").order_by("seq")
    assert [row.type for row in rows] == ["agent_client.issued", "agent_client.revoked"]
    for row in rows:
        assert row.record["actor"]["id"] == cast.user("dana").pk and row.record["body"]["client"] == client_id
        assert secret not in row.canonical


def test_clients_rotate_without_a_pause(cast):
    old, new = (issue_agent_client(actor=cast.actor("dana"), agent=cast.agent) for _ in range(2))
    held = token(old)
    assert listed(held).status_code == listed(token(new)).status_code == 200
    revoke_agent_client(actor=cast.actor("dana"), client=AgentClient.objects.get(application__client_id=old[0]))
    assert listed(held).status_code == ask(old).status_code == 401 and listed(token(new)).status_code == 200


def test_without_a_ledger_no_client_is_given_or_ended(cast, no_recorder):
    with pytest.raises(test_acts.acts.NoRecorder):
        issue_agent_client(actor=cast.actor("dana"), agent=cast.agent)
    assert not AgentClient.objects.exists()


@pytest.mark.parametrize("scopes", ["", "admin", "read admin"])
def test_a_client_without_scopes_is_no_client(cast, scopes):
    with pytest.raises(AccountRefused):
        issue_agent_client(actor=cast.actor("dana"), agent=cast.agent, scopes=scopes)
    if scopes:
        with pytest.raises(CommandError):
            call_command("remit_agent_client", f"northwind/{cast.agent.slug}", scope=scopes)
