"""Agent ∩ person ∩ token, at the proposal and before anything is sent (A-03, A-07, P4)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.access import authenticate_agent
from accounts.clock import database_now
from accounts.models import AgentClient, PersonToken, User
from accounts.permissions import Role
from accounts.person_tokens import issue_person_token, revoke_person_token
from accounts.scopes import EFFECTS, scope_of
from accounts.services import (
    add_member,
    deactivate_user,
    issue_agent_client,
    remove_member,
    revoke_agent_client,
)  # fmt: skip
from actions.decide import judge
from actions.mandate import RULES, checks, denial, reach, told
from actions.models import Action
from actions.services import call_tool, evaluate, run_and_advance
from actions.states import State
from policies.engine.decide import decide
from tests.builders import INTENT, STEPS, action, opened, request_of, vote, work
from tests.policies.test_properties import loaded, many, requests
from traces.models import Entry, Trace
from traces.services import open_trace

READ, REFUND, ACCOUNT, MAIL = STEPS
EFFECT_OF = {
    "desk.order.get": "read", "desk.refund.create": "side_effect", "desk.account.update": "write",
    "desk.mail.send": "side_effect",
}  # fmt: skip
scopes = st.sets(st.sampled_from(EFFECTS), min_size=1).map(scope_of)
roles = st.lists(st.sampled_from([role.value for role in Role]), max_size=3)


@many
@given(loaded(), requests, scopes, roles, st.booleans(), st.booleans(), st.booleans())
def test_a_person_or_a_narrower_token_never_allows_more_than_the_agent_alone(
    made, request, scope, held, known, revoked, active
):
    """INVARIANT of actions.mandate: over every document, call, scope, set of roles and state of the token."""
    _, document = made
    alone = decide(document, request)
    token = PersonToken(prefix="a", revoked_at=request.at if revoked else None) if known else None
    asked = Action(requester=User(name="Maya", is_active=active), scopes=scope, person_token=token, tool_name="a.b")
    found = checks(asked, request.tool.effect_class, held)
    beyond = denial(document, 0, found)
    if beyond is not None:
        assert beyond.effect == "deny" and beyond.reason and not beyond.holds and beyond.checks == found
    else:
        both = told(alone, asked, found)
        assert replace(both, checks=alone.checks) == alone and both.checks[: len(alone.checks)] == alone.checks


class Person:
    """The agent with a token of one person, as the token endpoint gives it."""

    def __init__(self, cast, first: str = "maya", scopes: str = "agent") -> None:
        self.cast, self.person = cast, cast.user(first)
        issue_agent_client(actor=cast.agent_actor, agent=cast.agent)
        self.client = AgentClient.objects.latest("pk")
        held, self.token = issue_person_token(
            actor=cast.agent_actor, client=self.client, person=self.person, audience="here", scopes=scopes,
            not_after=database_now().replace(year=9000),
        )  # fmt: skip
        self.actor = authenticate_agent(held, audience="here").actor

    def trace(self) -> Trace:
        return open_trace(
            actor=self.actor, workspace_id=self.cast.northwind.pk, agent=self.cast.agent, on_behalf_of=self.person,
            intent=INTENT, sources=[],
        )  # fmt: skip

    def call(self, step, trace: Trace | None = None) -> Action:
        return call_tool(
            actor=self.actor, agent=self.cast.agent, trace=trace or self.trace(), tool=step["tool"],
            arguments=step["arguments"],
        )  # fmt: skip


def check(found: Action, rule: str) -> dict:
    return next(check for check in found.decision["checks"] if check["rule"] == rule)


def test_the_decision_names_the_person_their_rights_and_the_scope(cast):
    found = Person(cast).call(READ)
    assert found.state == State.SUCCEEDED
    assert {check(found, rule)["outcome"] for rule in RULES} == {"passed"}
    assert "known by token rmp_" in check(found, "person.token")["reason"]


def test_an_agents_own_token_says_nothing_of_it_where_nothing_is_wrong(cast):
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=opened(cast), tool=READ["tool"],
                      arguments=READ["arguments"])  # fmt: skip
    assert found.state == State.SUCCEEDED and not RULES & {check["rule"] for check in found.decision["checks"]}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["tool"])
@pytest.mark.parametrize("scope", ["read", "write", "draft continuous", "side_effect"])
def test_a_narrower_token_proposes_only_its_classes_and_reads_no_record_for_others(cast, desk, step, scope):
    found = Person(cast, scopes=scope).call(step)
    inside = EFFECT_OF[step["tool"]] in scope.split()
    assert (found.state == State.DENIED) is not inside
    assert check(found, "token.scope")["outcome"] == ("passed" if inside else "denied")
    if not inside:
        assert found.before is None and found.detail.startswith(f"The token reaches only {scope}")
        assert check(found, "token.scope")["remedy"] and not Entry.objects.filter(type="credential.minted").exists()


@pytest.mark.parametrize("by_token", [True, False])
def test_for_an_auditor_an_agent_only_reads(cast, by_token):
    for step in STEPS:
        if by_token:
            found = Person(cast, "ava").call(step)
        else:
            trace = opened(cast, asker="ava")
            found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=step["tool"],
                              arguments=step["arguments"])  # fmt: skip
        assert (found.state == State.DENIED) is (step is not READ)
        if step is not READ:
            assert "Ava Lind may read here and no more" in check(found, "person.rights")["reason"]


def test_evaluate_says_the_same_as_the_call(cast):
    held = Person(cast, scopes="read")
    said = evaluate(
        actor=held.actor, agent=cast.agent, trace=held.trace(), tool=MAIL["tool"], arguments=MAIL["arguments"]
    )
    assert said.effect == "deny" and said.reason == held.call(MAIL).decision["reason"]


def test_reach_is_of_the_actor_and_of_the_person_as_they_are_now(cast):
    held = Person(cast, scopes="read write")
    assert reach(held.actor, held.person, cast.northwind.pk) == {"read", "write"}
    assert reach(held.actor, cast.user("ava"), cast.northwind.pk) == {"read"}
    assert reach(held.actor, held.person, cast.lakeside.pk) == frozenset()


# --- At dispatch ------------------------------------------------------------------------------------------------------


def _revoked(held: Person) -> None:
    revoke_person_token(actor=held.cast.agent_actor, token=held.token)


def _client_gone(held: Person) -> None:
    revoke_agent_client(actor=held.cast.actor("dana"), client=held.client)


def _deactivated(held: Person) -> None:
    deactivate_user(actor=held.cast.actor("dana"), user=held.person)


def _removed(held: Person) -> None:
    remove_member(actor=held.cast.actor("dana"), workspace=held.cast.northwind, user=held.person, role=Role.MEMBER)


def _back_again(held: Person) -> None:
    _removed(held)
    add_member(actor=held.cast.actor("dana"), workspace=held.cast.northwind, user=held.person, role=Role.MEMBER)


def _made_auditor(held: Person) -> None:
    _removed(held)
    add_member(actor=held.cast.actor("dana"), workspace=held.cast.northwind, user=held.person, role=Role.AUDITOR)


@pytest.mark.parametrize("end", [_revoked, _client_gone, _deactivated, _removed, _back_again, _made_auditor])
def test_approved_and_then_no_longer_allowed_is_blocked_before_a_credential(cast, end):
    held = Person(cast)
    found = held.call(REFUND)
    assert found.state == State.PENDING
    request = request_of(found.trace, REFUND["tool"])
    vote(cast, request, "priya")
    minted = Entry.objects.filter(type="credential.minted").count()
    vote(cast, request, "tomas")
    end(held)
    work(found.trace)
    found.refresh_from_db()
    assert found.state == State.BLOCKED and found.dispatched_at is None
    entry = Entry.objects.get(type="action.blocked", trace=found.trace).record["body"]
    assert "Maya Chen" in entry["detail"], entry
    assert Entry.objects.filter(type="credential.minted").count() == minted


def test_the_person_named_by_the_agent_is_looked_at_again_too(cast):
    trace = opened(cast)
    found = call_tool(actor=cast.agent_actor, agent=cast.agent, trace=trace, tool=REFUND["tool"],
                      arguments=REFUND["arguments"])  # fmt: skip
    for first in ("priya", "tomas"):
        vote(cast, request_of(trace, REFUND["tool"]), first)
    remove_member(actor=cast.actor("dana"), workspace=cast.northwind, user=cast.user("maya"), role=Role.MEMBER)
    work(trace)
    found.refresh_from_db()
    assert found.state == State.BLOCKED and "Maya Chen has no role here" in found.detail


def test_a_token_that_ran_out_by_itself_stops_nothing_that_people_approved(cast):
    held = Person(cast)
    found = held.call(REFUND)
    PersonToken.objects.update(expires_at=database_now())
    for first in ("priya", "tomas"):
        vote(cast, request_of(found.trace, REFUND["tool"]), first)
    work(found.trace)
    assert action(found.trace, REFUND["tool"]).state == State.SUCCEEDED


def test_what_is_decided_again_is_decided_under_the_same_token(cast):
    held = Person(cast, scopes="side_effect")
    found = held.call(REFUND)
    assert judge(found, found.definition).decision.effect == "approval"
    Action.objects.filter(pk=found.pk).update(scopes="read")
    found.refresh_from_db()
    assert judge(found, found.definition).decision.effect == "deny"
    for first in ("priya", "tomas"):
        vote(cast, request_of(found.trace, REFUND["tool"]), first)
    run_and_advance(actor=cast.agent_actor, action_id=found.pk)
    assert action(found.trace, REFUND["tool"]).state == State.BLOCKED
