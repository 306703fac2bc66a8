"""Agent tokens: shown once, stored as a digest, refused with a stable reason, and refused when in doubt (P5)."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Value

from accounts import access
from accounts.access import AgentAuthFailed, authenticate_agent
from accounts.clock import database_now
from accounts.models import Agent, AgentCredential
from accounts.questions import Question
from accounts.services import AccountRefused, issue_agent_token, revoke_agent_token, set_agent_state


def credential_of(token: str) -> AgentCredential:
    return AgentCredential.objects.get(prefix=token.split("_")[1])


def the_clock_says(monkeypatch, at: datetime) -> None:
    """The database's clock is read with the credential; here it stands still."""

    def asked(prefix: str):
        known = AgentCredential.objects.select_related("agent__workspace", "agent__owner")
        return known.filter(prefix=prefix).annotate(asked_at=Value(at))

    monkeypatch.setattr(access, "_CREDENTIAL", Question(asked))


def kind_of(token: str) -> str:
    with pytest.raises(AgentAuthFailed) as failure:
        authenticate_agent(token, audience="")
    return failure.value.kind


def test_a_token_is_its_agent(people):
    assert authenticate_agent(people.token, audience="").agent == people.agent
    assert authenticate_agent(people.tokens["front-desk-agent"], audience="").agent.workspace == people.lakeside


def test_the_token_is_nowhere_in_the_database(people):
    secret = people.token.split("_", 2)[2]
    assert len(secret) == 43
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(c::text, ' ') FROM accounts_agentcredential c")
        stored = cursor.fetchone()[0]
    assert secret not in stored
    assert credential_of(people.token).digest in stored


def test_a_token_with_the_right_prefix_and_another_secret_is_unknown(people):
    other = people.token[:-1] + ("A" if people.token[-1] != "A" else "B")
    assert kind_of(other) == "unknown-token"


@pytest.mark.parametrize(
    "change",
    [lambda t: "", lambda t: "rmt_", lambda t: t + "A", lambda t: t[:-1], lambda t: t.upper(), lambda t: " " + t,
     lambda t: t + "\n", lambda t: t.replace("rmt", "rmx"), lambda t: "rmt_" + "\x00" * 8 + "_" + "a" * 43,
     lambda t: "rmt_' OR 1_" + "a" * 43, lambda t: "é" * 56, lambda t: t.replace(t[4:12], "00000000")],
)  # fmt: skip
def test_a_malformed_token_is_unknown(people, change):
    assert kind_of(change(people.token)) == "unknown-token"


def test_a_revoked_token_is_refused_from_the_next_request_on(people):
    revoke_agent_token(actor=people.actor("dana"), credential=credential_of(people.token))
    assert kind_of(people.token) == "revoked-token"


def test_revoking_again_keeps_the_first_time(people):
    credential = credential_of(people.token)
    revoke_agent_token(actor=people.actor("dana"), credential=credential)
    first = credential_of(people.token).revoked_at
    revoke_agent_token(actor=people.actor("dana"), credential=credential)
    assert credential_of(people.token).revoked_at == first


def test_expiry_is_by_the_database_clock_and_its_instant_is_already_too_late(people, monkeypatch):
    credential = credential_of(people.token)
    AgentCredential.objects.filter(pk=credential.pk).update(expires_at=database_now())
    assert kind_of(people.token) == "expired-token"
    AgentCredential.objects.filter(pk=credential.pk).update(expires_at=credential.expires_at)
    the_clock_says(monkeypatch, credential.expires_at)
    assert kind_of(people.token) == "expired-token"
    the_clock_says(monkeypatch, credential.expires_at - timedelta(microseconds=1))
    assert authenticate_agent(people.token, audience="").agent == people.agent


def test_a_disabled_agent_is_refused_and_a_paused_one_may_still_ask(people):
    for state, allowed in ((Agent.State.PAUSED, True), (Agent.State.DISABLED, False), (Agent.State.ACTIVE, True)):
        set_agent_state(actor=people.actor("priya"), agent=people.agent, state=state)
        if allowed:
            assert authenticate_agent(people.token, audience="").agent.state == state
        else:
            assert kind_of(people.token) == "agent-disabled"


def test_a_store_that_does_not_answer_lets_nobody_in(people):
    """R-12: a revocation check that cannot be made is a refusal."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_agentcredential RENAME TO gone")
    with pytest.raises(Exception, match="accounts_agentcredential"):
        authenticate_agent(people.token, audience="")


def test_use_is_noted_at_most_once_a_minute(people, django_assert_num_queries):
    authenticate_agent(people.token, audience="")
    first = credential_of(people.token).last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        authenticate_agent(people.token, audience="")
    assert credential_of(people.token).last_used_at == first


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_may_not_live_for_ever(people, days):
    with pytest.raises(AccountRefused, match="from 1 to 366 days"):
        issue_agent_token(actor=people.actor("dana"), agent=people.agent, days=days)


def test_two_tokens_of_one_agent_live_and_die_apart(people):
    second = issue_agent_token(actor=people.actor("dana"), agent=people.agent)
    revoke_agent_token(actor=people.actor("dana"), credential=credential_of(people.token))
    assert authenticate_agent(second, audience="").agent == people.agent
