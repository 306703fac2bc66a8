"""Without a ledger nothing is done to people and agents (INVARIANT of accounts.acts)."""

import pytest

from accounts import acts
from accounts.models import AgentCredential, Membership
from accounts.permissions import Role
from accounts.services import add_member, issue_agent_token


@pytest.fixture
def no_recorder():
    kept = list(acts._recorder)
    acts._recorder.clear()
    yield
    acts._recorder.extend(kept)


def test_without_a_recorder_nothing_changes(people, no_recorder):
    before = AgentCredential.objects.count(), Membership.objects.count()
    with pytest.raises(acts.NoRecorder):
        issue_agent_token(actor=people.actor("dana"), agent=people.agent)
    with pytest.raises(acts.NoRecorder):
        add_member(actor=people.actor("dana"), workspace=people.northwind, user=people.user("maya"), role=Role.OPERATOR)
    assert (AgentCredential.objects.count(), Membership.objects.count()) == before
