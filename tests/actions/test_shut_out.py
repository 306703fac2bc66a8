"""Revoking an agent's last key takes back its word: what it had asked for is not sent, also where people approved it (N-02)."""

import pytest
from django.test import Client

from accounts.models import Agent, AgentClient
from accounts.services import (
    issue_agent_client,
    issue_agent_token,
    revoke_agent_client,
    revoke_agent_token,
    set_agent_state,
)
from actions.agent_page import agent_rows
from approvals.queue import queue_page
from tests.builders import action, planned, request_of, vote, work
from traces.models import Entry

TOOL = "desk.refund.create"


@pytest.fixture
def approved(cast):
    trace = planned(cast)
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, TOOL), first)
    assert action(trace, TOOL).state == "authorized"
    return trace


def revoke_all(cast) -> None:
    for credential in cast.agent.credentials.filter(revoked_at=None):
        revoke_agent_token(actor=cast.actor("dana"), credential=credential)


def refunds(desk) -> int:
    return len(desk.read("/orders/48213")["refunds"])


def test_n02_what_was_approved_is_not_sent_once_every_key_is_revoked(cast, desk, approved):
    revoke_all(cast)
    work(approved)
    found = action(approved, TOOL)
    assert found.state == "blocked" and "Every token and client of refunds-agent was revoked" in found.detail
    assert refunds(desk) == 0
    told = Entry.objects.get(type="agent_token.revoked").record["body"]
    assert told["last"] is True
    (row,) = agent_rows(cast.northwind, [Agent.objects.get(pk=cast.agent.pk)])
    assert row.hold.word == "Shut out"


def test_what_waits_for_people_says_that_nothing_is_sent_and_can_still_be_rejected(cast):
    client = Client()
    client.force_login(cast.user("priya"), backend="django.contrib.auth.backends.ModelBackend")
    request = request_of(planned(cast), TOOL)
    address = f"/approvals/{request.pk}/"
    assert (
        "othing will be sent"
        not in client.get("/approvals/?show=team").content.decode() + client.get(address).content.decode()
    )
    poll = queue_page(cast.user("priya"), cast.northwind, "").fingerprint
    revoke_all(cast)
    queue, page = (client.get(path).content.decode() for path in ("/approvals/?show=team", address))
    assert "refunds-agent · step 1 of 2 · nothing will be sent" in queue
    assert "Nothing will be sent." in page and "Every token and client of refunds-agent was revoked." in page
    assert 'value="reject"' in page
    assert queue_page(cast.user("priya"), cast.northwind, "").fingerprint != poll, "An open queue is told."
    issue_agent_token(actor=cast.actor("dana"), agent=cast.agent)
    assert "Nothing will be sent" not in client.get(address).content.decode()


def test_a_key_is_rotated_without_stopping_anything(cast, desk, approved):
    issue_agent_token(actor=cast.actor("dana"), agent=cast.agent)
    old = cast.agent.credentials.order_by("created_at").first()
    revoke_agent_token(actor=cast.actor("dana"), credential=old)
    work(approved)
    assert action(approved, TOOL).state == "succeeded" and refunds(desk) == 1
    assert Entry.objects.get(type="agent_token.revoked").record["body"]["last"] is False


def test_a_client_is_a_way_in_and_the_last_one_shuts_out(cast, desk, approved):
    issue_agent_client(actor=cast.actor("dana"), agent=cast.agent)
    revoke_all(cast)
    assert Agent.objects.get(pk=cast.agent.pk).shut_out_at is None
    revoke_agent_client(actor=cast.actor("dana"), client=AgentClient.objects.get())
    assert Entry.objects.get(type="agent_client.revoked").record["body"]["last"] is True
    work(approved)
    assert action(approved, TOOL).state == "blocked" and refunds(desk) == 0


@pytest.mark.parametrize("way", [issue_agent_token, issue_agent_client])
def test_a_new_way_in_lets_the_agent_go_on(cast, desk, approved, way):
    revoke_all(cast)
    way(actor=cast.actor("dana"), agent=cast.agent)
    work(approved)
    assert action(approved, TOOL).state == "succeeded" and refunds(desk) == 1


def test_n02_a_disabled_agent_has_nothing_sent(cast, desk, approved):
    set_agent_state(actor=cast.actor("dana"), agent=cast.agent, state=Agent.State.DISABLED)
    work(approved)
    assert action(approved, TOOL).state == "blocked" and refunds(desk) == 0


def test_a_key_that_only_ran_out_stops_nothing(cast, desk, approved):
    cast.agent.credentials.update(expires_at="2020-01-01T00:00Z")
    work(approved)
    assert action(approved, TOOL).state == "succeeded" and refunds(desk) == 1
